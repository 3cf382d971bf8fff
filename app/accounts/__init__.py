"""Who is asking, whom they work for, and what they may see and do."""
