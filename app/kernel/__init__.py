"""What every room stands on: tables, unit of work, outbox, problems, web habits. Knows no room."""
