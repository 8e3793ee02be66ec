"""The chief's page: figures of calls as tables and plots, to read, to print and as CSV."""
