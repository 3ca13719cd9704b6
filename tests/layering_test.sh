#!/usr/bin/env bash
# Keeps the arrows between the folders: who may include whom, and what core/ must not touch.
#
#   layering_test.sh check ROOT    prints every breach below ROOT as file:line: reason; exit 1 if any
#   layering_test.sh prove         plants one breach of each rule beside good code in a copy and
#                                  fails unless exactly that breach is reported
set -euo pipefail

breaches=0
breach() {
  echo "$1: $2"
  breaches=$((breaches + 1))
}

# Files of folder $1, without the path of the root.
sources_of() {
  if [ -d "$1" ]; then
    find "$1" -type f \( -name '*.hpp' -o -name '*.cpp' \) | sort
  fi
}

# Prints "file <TAB> line <TAB> included name with its delimiters" for every include of the files.
includes_of() {
  grep -HnE '^[[:space:]]*#[[:space:]]*include[[:space:]]*[<"]' "$@" |
    sed -nE 's/^([^:]*):([0-9]+):[^<"]*([<"][^>"]*[>"]).*/\1\t\2\t\3/p'
}

# True when public header $1 ("sluice/x.hpp") belongs to one of the folders $2... . version.hpp is
# generated for core/.
public_header_of() {
  local header=$1 folder
  shift
  [ "$header" = sluice/version.hpp ] && return 0
  for folder in "$@"; do
    [ -f "$folder/include/$header" ] && return 0
  done
  return 1
}

# check_quoted FILE LINE NAME FOLDER...: an include in quotes must lie in one of the folders.
check_quoted() {
  local file=$1 line=$2 name=$3 folder
  shift 3
  case $name in
    sluice/*)
      public_header_of "$name" "$@" || breach "$file:$line" "$name is no header of: $*"
      return
      ;;
  esac
  for folder in "$@"; do
    [ "${name%%/*}" = "$folder" ] && return
  done
  breach "$file:$line" "includes $name, may include: $*"
}

# check_angled FILE LINE NAME FOLDER: which libraries a folder may see.
check_angled() {
  local file=$1 line=$2 name=$3 folder=$4
  case $folder:$name in
    *:sluice/*) breach "$file:$line" "<$name> is ours: include it in quotes" ;;
    core:mutex | core:shared_mutex | core:thread | core:condition_variable | core:future | \
      core:semaphore | core:latch | core:barrier | core:stop_token)
      breach "$file:$line" "core/ knows no threads: <$name>"
      ;;
    core:emmintrin.h) ;; # instructions of the machine, no input or output
    core:*[/.]*) breach "$file:$line" "core/ may include the standard library only: <$name>" ;;
    conf:boost/* | conf:prometheus/* | conf:spdlog/* | conf:CLI/*)
      breach "$file:$line" "conf/ may not include <$name>"
      ;;
    metrics:boost/* | metrics:toml++/* | metrics:spdlog/* | metrics:CLI/*)
      breach "$file:$line" "metrics/ may not include <$name>"
      ;;
    proxy:toml++/* | proxy:prometheus/* | proxy:CLI/* | proxy:spdlog/* | proxy:fmt/*)
      breach "$file:$line" "proxy/ may not include <$name>"
      ;;
  esac
  case $file:$name in
    */include/*:boost/* | */include/*:prometheus/* | */include/*:toml++/*)
      breach "$file:$line" "a public header shows a library: <$name>"
      ;;
  esac
}

# check_includes FOLDER FOLDER...: FOLDER is where the files on standard input count, then what they
# may include.
check_includes() {
  local folder=$1 file line name files
  shift
  mapfile -t files
  [ ${#files[@]} -gt 0 ] || return 0
  while IFS=$'\t' read -r file line name; do
    case $name in
      '"'*) check_quoted "$file" "$line" "${name:1:-1}" "$@" ;;
      '<'*) check_angled "$file" "$line" "${name:1:-1}" "$folder" ;;
    esac
  done < <(includes_of "${files[@]}")
}

# core/ takes time and draws as arguments. Comments may speak of what code may not.
banned_in_core='::now[[:space:]]*\(|std::(recursive_|shared_|timed_)*mutex|std::j?thread|random_device|this_thread|boost::|prometheus::|toml::'
check_core_words() {
  local file line files
  mapfile -t files
  [ ${#files[@]} -gt 0 ] || return 0
  while IFS=: read -r file line _; do
    breach "$file:$line" "core/ reads no clock or random device and knows no threads"
  done < <(awk '{ sub("//.*", ""); print FILENAME ":" FNR ":" $0 }' "${files[@]}" |
    grep -E "^[^:]*:[0-9]*:.*($banned_in_core)" || true)
}

check_tree() {
  local program='^proxy/(main\.cpp$|program/)'
  cd "$1"
  check_includes core core < <(sources_of core)
  check_core_words < <(sources_of core)
  check_includes conf conf core < <(sources_of conf)
  check_includes metrics metrics core < <(sources_of metrics)
  check_includes program proxy conf metrics core < <(sources_of proxy | grep -E "$program")
  check_includes proxy proxy core < <(sources_of proxy | grep -vE "$program")
  if [ "$breaches" -gt 0 ]; then
    echo "$breaches breach(es) of the layering"
    return 1
  fi
}

# expect_breach FILE TEXT REASON: TEXT in FILE of the copy must be reported, once, with REASON.
failures=0
expect_breach() {
  local file=$1 text=$2 reason=$3 report
  mkdir -p "$(dirname "$copy/$file")"
  printf '%s\n' '#include <string>' "$text" >"$copy/$file"
  if report=$("$self" check "$copy"); then
    echo "not seen: '$text' in $file"
    failures=$((failures + 1))
  elif [ "$(head -n 1 <<<"$report")" != "$file:2: $reason" ] || [ "$(wc -l <<<"$report")" != 2 ]; then
    echo "seen in another way: '$text' in $file:"
    echo "$report"
    failures=$((failures + 1))
  fi
  rm "$copy/$file"
}

# expect_clean FILE TEXT: TEXT in FILE of the copy must not be reported.
expect_clean() {
  local file=$1 text=$2
  mkdir -p "$(dirname "$copy/$file")"
  printf '%s\n' "$text" >"$copy/$file"
  if ! "$self" check "$copy"; then
    echo "reported without reason: '$text' in $file"
    failures=$((failures + 1))
  fi
  rm "$copy/$file"
}

prove() {
  self=$(realpath "$0")
  copy=$(mktemp -d)
  trap 'rm -rf "$copy"' EXIT
  mkdir -p "$copy"/{core,conf,metrics,proxy}/include/sluice
  touch "$copy/core/include/sluice/settings.hpp" "$copy/conf/include/sluice/conf.hpp"
  local std_only='core/ may include the standard library only:'
  local core_words='core/ reads no clock or random device and knows no threads'

  expect_breach core/bad.cpp '#include <boost/asio.hpp>' "$std_only <boost/asio.hpp>"
  expect_breach core/bad.hpp '#  include <sys/socket.h>' "$std_only <sys/socket.h>"
  expect_breach core/bad.cpp '#include <mutex>' 'core/ knows no threads: <mutex>'
  expect_breach core/bad.cpp '#include "conf/x.hpp"' 'includes conf/x.hpp, may include: core'
  expect_breach core/bad.cpp '#include "sluice/conf.hpp"' 'sluice/conf.hpp is no header of: core'
  expect_breach core/bad.cpp 'auto t = std::chrono::steady_clock::now();' "$core_words"
  expect_breach core/bad.cpp 'std::shared_mutex m;' "$core_words"
  expect_breach core/bad.cpp 'std::jthread t;' "$core_words"
  expect_breach core/bad.cpp 'std::random_device d;' "$core_words"
  expect_breach conf/bad.cpp '#include "proxy/x.hpp"' 'includes proxy/x.hpp, may include: conf core'
  expect_breach conf/bad.cpp '#include <boost/json.hpp>' 'conf/ may not include <boost/json.hpp>'
  expect_breach metrics/bad.cpp '#include "sluice/conf.hpp"' \
    'sluice/conf.hpp is no header of: metrics core'
  expect_breach metrics/bad.cpp '#include <toml++/toml.h>' 'metrics/ may not include <toml++/toml.h>'
  expect_breach proxy/bad.cpp '#include "metrics/x.hpp"' \
    'includes metrics/x.hpp, may include: proxy core'
  expect_breach proxy/bad.cpp '#include <prometheus/counter.h>' \
    'proxy/ may not include <prometheus/counter.h>'
  expect_breach proxy/include/sluice/bad.hpp '#include <boost/asio/ip/tcp.hpp>' \
    'a public header shows a library: <boost/asio/ip/tcp.hpp>'
  expect_breach metrics/include/sluice/bad.hpp '#include <prometheus/registry.h>' \
    'a public header shows a library: <prometheus/registry.h>'
  expect_breach proxy/bad.cpp '#include <spdlog/spdlog.h>' 'proxy/ may not include <spdlog/spdlog.h>'
  expect_breach proxy/bad.cpp '#include <sluice/settings.hpp>' \
    '<sluice/settings.hpp> is ours: include it in quotes'

  expect_clean core/good.cpp '#include "sluice/settings.hpp"'
  expect_clean core/good.cpp '// never steady_clock::now() here, no std::mutex either'
  expect_clean conf/good.cpp '#include <toml++/toml.h>'
  expect_clean metrics/good.cpp '#include <prometheus/collectable.h>'
  expect_clean proxy/good.cpp '#include <boost/asio/ip/tcp.hpp>'
  expect_clean proxy/program/good.cpp '#include <spdlog/spdlog.h>'
  expect_clean proxy/main.cpp '#include "sluice/conf.hpp"'
  expect_clean proxy/program/good.cpp '#include "metrics/x.hpp"'

  [ "$failures" -eq 0 ]
}

case "${1:-} ${2:-}" in
  'check '?*) check_tree "$2" ;;
  "prove "*) prove ;;
  *)
    echo "usage: layering_test.sh check ROOT | prove" >&2
    exit 2
    ;;
esac
