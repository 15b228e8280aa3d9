#!/bin/sh
# Puts the program into job.tar, which is unpacked at the job's root. Modules of yours go into it as well.
set -eu
cd "$(dirname "$0")"
tar cf job.tar main.py
