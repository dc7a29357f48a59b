"""What leaves the book: tables of parts, and reviewed pictures as labels."""
