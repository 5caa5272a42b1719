"""Labels: what each record is about, how it feels and how urgent it is, with a quote for every topic."""
