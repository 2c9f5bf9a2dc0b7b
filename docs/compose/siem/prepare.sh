#!/bin/sh
# The index template and the dashboard, put where OpenSearch and OpenSearch Dashboards find them. Can be run again.
set -eu

curl --fail --silent --show-error --request PUT "http://opensearch:9200/_index_template/counterfoil-audit" \
    --header "Content-Type: application/json" --data-binary @/siem/index-template.json
curl --fail --silent --show-error --request POST "http://dashboards:5601/api/saved_objects/_import?overwrite=true" \
    --header "osd-xsrf: true" --form file=@/siem/dashboard.ndjson
