"""What comes in and goes out: tables, their blocks, memory maps and files."""
