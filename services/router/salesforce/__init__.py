"""How the product speaks to a Salesforce org: session, queries, and one module for each kind of record."""
