"""Is the pipeline well, is the model well, is the business well, and what did the loop earn?"""
