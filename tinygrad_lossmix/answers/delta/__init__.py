"""The output delta of one example, three ways, beside a - y."""
