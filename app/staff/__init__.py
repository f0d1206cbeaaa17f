"""What people are qualified to do, and until when."""
