"""What people run today for small defects in large pictures, measured beside this line in one run."""
