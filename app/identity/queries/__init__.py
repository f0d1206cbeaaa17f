"""Reads of identity: logins, people, tablets, the audit trail."""
