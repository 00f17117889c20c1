"""A local Amazon Athena for tests: its API, on a real Trino, with S3 and Glue by moto.

``statements``
    what Athena's SQL says, statement by statement; anything else is refused
``warehouse``
    runs these statements: tables of Hive in Glue, queries on Trino
``server``
    Athena's API over HTTP, on a warehouse or on any other engine
``engine``
    fetches, starts and ends Trino, moto and the server
"""
