"""Where Spark comes from: the embedded engine (Sail), any Spark Connect server, or Databricks. Callers see a SparkSession."""
