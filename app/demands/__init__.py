"""What is asked of whom, what was answered, what was done, and on what evidence."""
