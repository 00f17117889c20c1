"""Whether log files are those that CloudTrail delivered: digest files and their signatures."""
