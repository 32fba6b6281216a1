"""What is done to clear samples so that it is known beforehand what attackers must find, and whether they did."""
