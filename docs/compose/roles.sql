-- Run by PostgreSQL's image when its volume is new: two roles and a database, as docs/many-nodes.md says.
\set owner_password `cat /run/database/owner`
\set node_password `cat /run/database/node`
CREATE ROLE counterfoil_owner LOGIN PASSWORD :'owner_password';
CREATE ROLE counterfoil LOGIN PASSWORD :'node_password';
CREATE DATABASE counterfoil OWNER counterfoil_owner;
REVOKE ALL ON DATABASE counterfoil FROM PUBLIC;
GRANT CONNECT ON DATABASE counterfoil TO counterfoil;
