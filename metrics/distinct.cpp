#include "metrics/distinct.hpp"

#include <algorithm>
#include <cstddef>
#include <iterator>
#include <tuple>
#include <utility>
#include <vector>

namespace sluice::metrics {
namespace {

/// Sorts by `key` and folds each run of equal keys into its first item.
template <class T, class Key, class Fold>
void fold_equal(std::vector<T>& items, Key key, Fold fold) {
  std::stable_sort(items.begin(), items.end(),
                   [&](const T& a, const T& b) { return key(a) < key(b); });
  std::size_t kept = 0;
  for (std::size_t next = 0; next < items.size(); ++next) {
    if (kept > 0 && key(items[kept - 1]) == key(items[next])) {
      fold(items[kept - 1], std::move(items[next]));
    } else {
      if (kept != next) items[kept] = std::move(items[next]);
      ++kept;
    }
  }
  items.erase(items.begin() + static_cast<std::ptrdiff_t>(kept), items.end());
}

/// Folds pairs of one label and a count.
template <class Label, class Count>
void fold_counts(std::vector<std::pair<Label, Count>>& counts) {
  fold_equal(
      counts, [](const auto& count) -> const Label& { return count.first; },
      [](auto& into, const auto& from) { into.second += from.second; });
}

template <class T>
void append(std::vector<T>& to, std::vector<T>&& from) {
  to.insert(to.end(), std::make_move_iterator(from.begin()), std::make_move_iterator(from.end()));
}

bool in_range(std::string_view text, std::size_t at, unsigned low, unsigned high) {
  if (at >= text.size()) return false;
  const auto byte = static_cast<unsigned char>(text[at]);
  return low <= byte && byte <= high;
}

bool has_tail(std::string_view text, std::size_t from, std::size_t end) {
  for (; from < end; ++from) {
    if (!in_range(text, from, 0x80, 0xBF)) return false;
  }
  return true;
}

/// Bytes of the character at `at`; 0 when there is no valid one. The ranges are those of the
/// grammar in RFC 3629 section 4.
std::size_t character_length(std::string_view text, std::size_t at) {
  const auto lead = static_cast<unsigned char>(text[at]);
  if (lead < 0x80) return 1;
  if (lead < 0xC2 || lead > 0xF4) return 0;
  if (lead < 0xE0) return has_tail(text, at + 1, at + 2) ? 2 : 0;
  const unsigned low = lead == 0xE0 ? 0xA0 : lead == 0xF0 ? 0x90 : 0x80;
  const unsigned high = lead == 0xED ? 0x9F : lead == 0xF4 ? 0x8F : 0xBF;
  const std::size_t length = lead < 0xF0 ? 3 : 4;
  const bool valid = in_range(text, at + 1, low, high) && has_tail(text, at + 2, at + length);
  return valid ? length : 0;
}

bool is_ascii(std::string_view text) {
  return std::ranges::all_of(text, [](char c) { return static_cast<unsigned char>(c) < 0x80; });
}

template <class... Text>
void make_valid(Text&... labels) {
  const auto repair = [](std::string& label) {
    if (!is_ascii(label)) label = valid_utf8(label);
  };
  (repair(labels), ...);
}

template <class Count>
void make_valid_reasons(std::vector<std::pair<std::string, Count>>& counts) {
  for (auto& [reason, count] : counts) make_valid(reason);
}

void make_rollouts_valid(Snapshot& snapshot) {
  for (auto& entry : snapshot.rollouts) {
    make_valid(entry.route);
    make_valid_reasons(entry.evidence);
  }
  for (auto& entry : snapshot.rollout_totals) {
    make_valid(entry.route);
    for (auto& [decision, reason, count] : entry.decisions) make_valid(decision, reason);
    make_valid_reasons(entry.hold_seconds);
    for (auto& [pool, stream, count] : entry.bad) make_valid(pool, stream);
  }
}

void make_labels_valid(Snapshot& snapshot) {
  make_valid(snapshot.version);
  for (auto& entry : snapshot.routes) {
    make_valid(entry.route, entry.pool);
    make_valid_reasons(entry.retries);
  }
  for (auto& entry : snapshot.spills) make_valid(entry.route, entry.from, entry.to);
  for (auto& entry : snapshot.rejected) make_valid(entry.route, entry.reason);
  for (auto& entry : snapshot.backends) {
    make_valid(entry.pool, entry.backend);
    make_valid_reasons(entry.failures);
  }
  for (auto& entry : snapshot.listeners) make_valid(entry.listener);
  for (auto& entry : snapshot.weights) make_valid(entry.route, entry.pool);
  make_rollouts_valid(snapshot);
}

void fold_route(RoutePoolCounts& into, RoutePoolCounts&& from) {
  append(into.codes, std::move(from.codes));
  append(into.retries, std::move(from.retries));
  into.duration.merge(from.duration);
  into.response_head.merge(from.response_head);
  into.in_flight += from.in_flight;
}

void fold_condition(BackendCounts& into, const BackendCounts& from) {
  if (into.gone == from.gone) {
    into.up = into.up && from.up;
    into.draining = into.draining || from.draining;
  } else if (into.gone) {
    into.up = from.up;
    into.draining = from.draining;
    into.gone = false;
  }
}

void fold_backend(BackendCounts& into, BackendCounts&& from) {
  fold_condition(into, from);
  into.in_flight += from.in_flight;
  into.upgraded += from.upgraded;
  into.open += from.open;
  into.idle += from.idle;
  into.requests += from.requests;
  append(into.failures, std::move(from.failures));
}

void fold_listener(ListenerCounts& into, const ListenerCounts& from) {
  into.active += from.active;
  into.idle += from.idle;
  into.upgraded += from.upgraded;
  into.accepted += from.accepted;
}

void fold_totals(RolloutTotals& into, RolloutTotals&& from) {
  append(into.decisions, std::move(from.decisions));
  append(into.hold_seconds, std::move(from.hold_seconds));
  append(into.bad, std::move(from.bad));
  into.shielded += from.shielded;
}

void fold_rollouts(Snapshot& snapshot) {
  const auto by_route = [](const auto& e) { return std::tie(e.route); };
  const auto add_count = [](auto& into, const auto& from) { into.count += from.count; };
  const auto take_later = [](auto& into, auto&& from) {
    into = std::forward<decltype(from)>(from);
  };
  fold_equal(snapshot.rollouts, by_route, take_later);
  for (auto& entry : snapshot.rollouts) {
    fold_equal(
        entry.evidence, [](const auto& e) { return std::tie(e.first); }, take_later);
  }
  fold_equal(snapshot.rollout_totals, by_route, fold_totals);
  for (auto& entry : snapshot.rollout_totals) {
    fold_equal(
        entry.decisions, [](const auto& e) { return std::tie(e.decision, e.reason); }, add_count);
    fold_counts(entry.hold_seconds);
    fold_equal(
        entry.bad, [](const auto& e) { return std::tie(e.pool, e.stream); }, add_count);
  }
}

}  // namespace

std::string valid_utf8(std::string_view text) {
  std::string valid;
  valid.reserve(text.size());
  for (std::size_t at = 0; at < text.size();) {
    const auto length = character_length(text, at);
    valid += length == 0 ? std::string_view("\xEF\xBF\xBD") : text.substr(at, length);
    at += std::max<std::size_t>(length, 1);
  }
  return valid;
}

Snapshot distinct(Snapshot snapshot) {
  make_labels_valid(snapshot);
  const auto by_route_and_pool = [](const auto& e) { return std::tie(e.route, e.pool); };
  const auto add_count = [](auto& into, const auto& from) { into.count += from.count; };
  fold_equal(snapshot.routes, by_route_and_pool, fold_route);
  for (auto& entry : snapshot.routes) {
    fold_counts(entry.codes);
    fold_counts(entry.retries);
  }
  fold_equal(
      snapshot.spills, [](const auto& e) { return std::tie(e.route, e.from, e.to); }, add_count);
  fold_equal(
      snapshot.rejected, [](const auto& e) { return std::tie(e.route, e.reason); }, add_count);
  fold_equal(
      snapshot.backends, [](const auto& e) { return std::tie(e.pool, e.backend); }, fold_backend);
  for (auto& entry : snapshot.backends) fold_counts(entry.failures);
  fold_equal(
      snapshot.listeners, [](const auto& e) { return std::tie(e.listener); }, fold_listener);
  fold_equal(snapshot.weights, by_route_and_pool,
             [](WeightRatio& into, WeightRatio&& from) { into = std::move(from); });
  fold_rollouts(snapshot);
  return snapshot;
}

}  // namespace sluice::metrics
