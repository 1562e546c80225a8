"""The pages of insights: charts from the server, forms that work without scripts, and who may see what."""
