package main

import "github.com/jackc/pgx/v4"

const pgxMajor = 4

var simpleProtocol = pgx.QuerySimpleProtocol(true)
