"""The CloudTrail table, its database and its workgroup."""
