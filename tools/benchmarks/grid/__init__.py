"""What run_grid.py is made of: the grid file, its runs, their results and tables."""
