#!/bin/sh
# recover.sh FOLDER BASE MOMENT: lay out the base backup FOLDER/BASE as the server's data ($PGDATA), which the server then
# rolls forward to MOMENT (as in '2026-03-05 09:30:00+00') from the WAL in FOLDER. What was there is kept beside it.
set -eu
folder=$1 base=$2 moment=$3
if [ ! -f "$folder/$base/base.tar.gz" ]; then
    echo "$folder/$base is no base backup (base.tar.gz is missing). There are: $(cd "$folder" && ls -d base-* 2>/dev/null | tr '\n' ' ')" >&2
    exit 1
fi
if [ -e "$PGDATA/postmaster.pid" ]; then
    echo "A server runs on $PGDATA, or was killed on it: stop it first. Nothing was changed." >&2
    exit 1
fi
case $moment in
    *"'"*) echo "A moment is written like 2026-03-05 09:30:00+00." >&2; exit 1 ;;
esac
new="$PGDATA.recovering"
rm -rf "$new"
mkdir -m 0700 "$new"
tar -xzf "$folder/$base/base.tar.gz" -C "$new"
cat >> "$new/postgresql.auto.conf" <<EOF
restore_command = 'test -f $folder/%f.gz && gzip -dc $folder/%f.gz > %p'
recovery_target_time = '$moment'
recovery_target_action = 'promote'
EOF
touch "$new/recovery.signal"
if [ "$(id -u)" = 0 ]; then chown -R "${OWNER:-postgres}" "$new"; fi
if [ -d "$PGDATA" ]; then mv "$PGDATA" "$PGDATA.before-recovery-$(date -u +%Y%m%dT%H%M%SZ)"; fi
mv "$new" "$PGDATA"
echo "Ready: start the server. It takes connections when it has reached $moment."
