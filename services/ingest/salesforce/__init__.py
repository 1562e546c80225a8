"""Customers as Salesforce knows them: accounts, contacts, purchases, closed cases."""
