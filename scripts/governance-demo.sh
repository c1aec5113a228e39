#!/usr/bin/env bash
# governance-demo.sh [PORTCULLIS]: a bad change of a policy, from its activation to the audit, with the real program.
#
# A signed policy is in force and judges traffic. A second revision passes its own tests and holds far too much. The monitor raises an
# alert and puts the first revision in force again; the running guard takes it up. Then people look: the log is verified and every
# decision made again, a case is decided, an exception granted, and a report and the graph tell the story.
#
# Everything is checked; the exit status is 1 at the first thing that is not as it should be. Files go to $KEEP, or to a folder that is
# removed.
set -euo pipefail
cd "$(dirname "$0")/.."
portcullis=$(realpath "${1:-target/release/portcullis}")

work=${KEEP:-$(mktemp -d)}
mkdir -p "$work"
[[ ${KEEP:-} ]] || trap 'rm -rf "$work"' EXIT
cd "$work"

say() { printf '\n== %s\n' "$*"; }
fail() { printf 'FAILED: %s\n' "$*" >&2; exit 1; }
guard() { "$portcullis" --state state "$@"; }
# What a command prints, shown and kept in $out; its exit status has to be the first argument.
expect() {
  local wanted=$1 status=0
  shift
  printf '$ portcullis %s\n' "$*"
  out=$(guard "$@" 2>&1) || status=$?
  printf '%s\n' "$out" | head -30
  [[ $status == "$wanted" ]] || fail "exit status $status, expected $wanted"
}
has() { grep -q -e "$1" <<<"$out" || fail "nothing like \`$1\` in what was printed"; }

innocent='Can I return a gift card next week?'
policy() { # REVISION VERSION THRESHOLD
  mkdir -p "desk-$1/tests"
  cat >"desk-$1/policy.toml" <<POLICY
schema = 2
id = "desk"
version = "$2"
revision = $1
on_unsupported = "allow"

[governance]
objective = "Customers are answered politely, and nobody is insulted."
owner = "Customer service"
reviewer = "Trust and safety"
references = ["NIST AI RMF MANAGE 4.1"]

[rollback]
to = "previous"
veto_rate_above = 0.2
min_verdicts = 200

[[rule]]
id = "abuse"
detector = "classifier.toxicity"
threshold = $3
action = "veto"
owner = "Customer service"
hazard = "Hate"
references = ["OWASP LLM05"]

[[rule]]
id = "rude"
detector = "classifier.insult"
threshold = 0.8
action = "escalate"
owner = "Customer service"
hazard = "Hate"

[[rule]]
id = "mail"
detector = "pii.email"
threshold = 0.5
action = "rewrite"
owner = "Data protection"
hazard = "Privacy"
POLICY
  cat >"desk-$1/tests/cases.toml" <<CASES
[[case]]
name = "abuse"
text = "You are a worthless piece of shit and I hate you."
expect = "veto"
rule = "abuse"

[[case]]
name = "a question about returns"
text = "$innocent"
never = ["veto", "escalate"]
CASES
}

# Everyday traffic: questions of many forms, some with an address, a few of them rude.
traffic() { # FROM TO
  local orders=("a parcel" "a lamp" "two chairs" "a bicycle" "an invoice" "a gift card" "a kettle")
  local forms=("Where is my order of %s?" "Can I return %s next week?" "How much is the delivery of %s to Leeds?"
    "I would like to change the colour of %s, please." "When will %s be in stock again?" "Thank you, %s arrived this morning."
    "Could you send the receipt for %s to jo@example.org?")
  local n text
  for ((n = $1; n < $2; n++)); do
    # shellcheck disable=SC2059
    printf -v text "${forms[n % 7]}" "${orders[(n / 7) % 7]}"
    if ((n % 97 == 50)); then text="You are a complete idiot, where is ${orders[n % 7]}?"; fi
    printf '{"id":%d,"text":"%s","slice":"%s"}\n' "$n" "$text" "$( ((n % 2)) && echo web || echo app)"
  done
}

say 'keys: one to sign with, trusted by the installation, which asks for signatures'
mkdir -p -m 700 state/keys
"$portcullis" policy keygen release --out keys
cp keys/release.pub state/keys/
cat >state/portcullis.toml <<'SETTINGS'
[trust]
require_signed_policy = true

[monitor]
window_verdicts = 4000
min_verdicts = 200
SETTINGS

say 'the good policy: checked, tested, signed, in force'
policy 1 1.0.0 0.98
expect 0 policy check desk-1
expect 0 policy test desk-1
expect 2 policy activate desk-1 --by "Ada"
has 'sign'
expect 0 policy sign desk-1 --key keys/release.key
expect 0 policy activate desk-1 --by "Ada"

say 'traffic under the good policy'
traffic 0 1000 | guard pipe >first.ndjson
held=$(grep -c '"decision":"veto"' first.ndjson || true)
echo "$held of 1000 vetoed"
((held <= 20)) || fail 'the good policy holds too much'

say 'a bad change: a threshold far too low; its few tests still pass'
# Just above what the innocent one scores: most of the traffic scores more.
score=$("$portcullis" check --json "$innocent" | sed 's/.*"toxicity":\([^,]*\),.*/\1/')
policy 2 1.1.0 "$(awk -v score="$score" 'BEGIN { printf "%.6f", 1.02 * score }')"
expect 0 policy test desk-2
expect 1 policy diff desk-1 desk-2 --data <(traffic 0 200)
has 'abuse'
expect 0 policy sign desk-2 --key keys/release.key

say 'it is put in force beside a running guard'
mkfifo lines
guard pipe --reload-ms 50 <lines >second.ndjson 2>second.err &
running=$!
exec 9>lines
traffic 1000 1100 >&9
until [[ $(wc -l <second.ndjson) -ge 100 ]]; do sleep 0.1; done
expect 0 policy activate desk-2 --by "Bob"
for ((n = 1100; n < 4000; n += 100)); do
  traffic "$n" $((n + 100)) >&9
  until [[ $(wc -l <second.ndjson) -ge $((n - 900)) ]]; do sleep 0.05; done
  if guard policy history --json | grep -q rolled_back; then break; fi
done
# The guard takes the earlier policy up again.
sleep 1
traffic 5000 5100 >&9
exec 9>&-
wait "$running" || fail 'the guard stopped with an error'
cat second.err

say 'the alert and the way back, by nobody'\''s hand'
grep -q 'alert: veto rate' second.err || fail 'no alert'
expect 0 policy history
has 'rollback'
has 'monitor'
expect 0 policy active
has 'desk 1.0.0'
tail -n 100 second.ndjson | grep -c '"version":"1.0.0"' | grep -qx 100 || fail 'the running guard did not take the earlier policy up'

say 'the audit: the log holds, tells the story, and every decision comes out again'
expect 0 log verify
expect 0 log query --event policy_rolled_back --limit 5
has '"by":"monitor"'
has '1.1.0'
expect 0 log replay
has 'all the same'
expect 0 log stats --by policy
sed '0,/"decision":"allow"/s//"decision":"veto"/' state/log/000001.jsonl >changed.jsonl
cp -r state tampered && cp changed.jsonl tampered/log/000001.jsonl
if out=$("$portcullis" --state tampered log verify 2>&1); then fail 'a changed log was taken for whole'; fi
grep -o 'entry [0-9]*: edited' <<<"$out" | head -1

say 'people: a case is decided, an exception granted and used'
expect 0 review list --status pending --limit 3
id=$(guard review list --status pending --json | head -1 | sed 's/.*"decision_id":"\([0-9a-f]*\)".*/\1/')
expect 0 review decide "$id" reject --by "Cy" --reason "an insult" --label insult=1
expect 0 exception add --key keys/release.key --id desk-mail --rule mail --pattern 'jo@example\.org' \
  --reason "our own address" --days 30
expect 0 check --json "Please write to jo@example.org."
has '"decision":"allow"'
has '"exceptions":\[{"rule":"mail","id":"desk-mail","approved_by":"release"'

say 'the report and the graph'
expect 0 report --out report.html
[[ -s report.html ]] || fail 'no report'
"$portcullis" --state state report --json >report.json
grep -q '"rolled back"' report.json || fail 'the report does not tell the rollback'
expect 0 graph ask exceptions-by release
has 'desk-mail'
expect 0 graph ask rules-without-owner
expect 0 rollback --plan

printf '\nThe story holds: %s\n' "$work"
