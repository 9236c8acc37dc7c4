"""The report: what is planned, collected, wanted, and written as tables and pictures."""
