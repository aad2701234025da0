"""The store: traces become typed Parquet parts, and DuckDB answers questions over them."""
