#!/bin/sh
# archive.sh PATH NAME FOLDER, PostgreSQL's archive_command: succeeds when the WAL segment is safe in FOLDER.
set -eu
target="$3/$2.gz"
if [ -e "$target" ]; then
    # Archived already, then the server crashed before it noted so: well when it is the same, another server's otherwise.
    gzip -dc "$target" | cmp -s - "$1"
    exit
fi
gzip -c "$1" > "$target.new"
sync "$target.new"
mv "$target.new" "$target"
