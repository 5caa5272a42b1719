"""Where Spark comes from: the embedded engine (Sail), a JVM Spark of this machine, any Spark Connect server, or Databricks. Callers see a SparkSession."""
