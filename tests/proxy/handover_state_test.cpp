#include "proxy/handover_state.hpp"

#include <gtest/gtest.h>

#include <boost/json.hpp>
#include <cstdint>
#include <functional>
#include <limits>
#include <string>
#include <tuple>
#include <utility>
#include <vector>

#include "tests/proxy/any_rollout.hpp"

namespace sluice::proxy {
namespace {

namespace json = boost::json;

constexpr std::uint64_t most = std::numeric_limits<std::uint64_t>::max();

// What is compared, member by member: one that is added does not compile here until it is named.

auto parts(const Histogram& one) {
  const auto& [sum_ns, counts] = one;
  return std::make_tuple(counts, sum_ns);
}

auto parts(const RoutePoolTally& one) {
  const auto& [in_flight, codes, duration, response_head, retries, route, pool] = one;
  return std::make_tuple(route, pool, codes.list(), parts(duration), parts(response_head),
                         in_flight, retries);
}

auto parts(const RouteTally& one) {
  const auto& [route, rejected, spills] = one;
  return std::make_tuple(route, rejected, spills);
}

auto parts(const ListenerTally& one) {
  const auto& [listener, active, idle, upgraded, accepted] = one;
  return std::make_tuple(listener, active, idle, upgraded, accepted);
}

/// But for the condition, which is not handed over: the successor's own workers know it.
auto parts(const core::Backend& one) {
  const auto& [up, draining, in_flight, upgraded, open, idle, requests, failures, pool, address] =
      one;
  static_cast<void>(up);
  static_cast<void>(draining);
  return std::make_tuple(pool, address, in_flight, upgraded, open, idle, requests, failures);
}

auto parts(const RolloutTotals::Decision& one) {
  const auto& [decision, reason, count] = one;
  return std::make_tuple(decision, reason, count);
}

auto parts(const RolloutTotals::Bad& one) {
  const auto& [pool, stream, count] = one;
  return std::make_tuple(pool, stream, count);
}

auto parts(const Event& one) {
  const auto& [id, type, body] = one;
  return std::make_tuple(id, type, body);
}

/// What `part` makes of each.
template <class List, class Part>
auto each(const List& all, Part part) {
  std::vector<decltype(part(*all.begin()))> list;
  for (const auto& one : all) list.push_back(part(one));
  return list;
}

auto parts(const RolloutTotals& one) {
  const auto& [route, decisions, hold_seconds, bad, shielded] = one;
  const auto part = [](const auto& element) { return parts(element); };
  return std::make_tuple(route, each(decisions, part), hold_seconds, each(bad, part), shielded);
}

auto parts(const HandoverCounts& one) {
  const auto& [report, rollouts, access_log_dropped] = one;
  const auto& [tally, backends, gone, sessions] = report;
  const auto part = [](const auto& element) { return parts(element); };
  const auto keyed = [](const auto& entry) { return std::pair(entry.first, parts(entry.second)); };
  return std::make_tuple(each(tally.route_pools(), keyed), each(tally.routes(), keyed),
                         each(tally.listeners(), keyed), each(backends, part), gone, sessions,
                         each(rollouts, part), access_log_dropped);
}

auto parts(const HandoverState& one) {
  const auto& [overrides, decided, generation, health, revisions, drains, events, counts] = one;
  return std::make_tuple(overrides, decided, generation, health, revisions, drains,
                         each(events, [](const Event& event) { return parts(event); }),
                         parts(counts));
}

Histogram histogram(std::uint64_t first) {
  Histogram histogram;
  for (std::uint64_t& count : histogram.counts) count = first++;
  histogram.sum_ns = 1'000'000'007 * first;
  return histogram;
}

template <class Counts>
void fill(Counts& counts, std::uint64_t first) {
  for (auto& count : counts) count = first++;
}

Tally full_tally() {
  Tally tally;
  RoutePoolTally& shop = tally.route_pool("shop", "shop-v2");
  shop.codes = {{200, most}, {503, 2}};
  shop.duration = histogram(10);
  shop.response_head = histogram(100);
  shop.in_flight = 3;
  fill(shop.retries, 40);
  tally.route_pool("shop", "").codes = {{404, 1}};
  fill(tally.route("").rejected, 50);
  RouteTally& route = tally.route("shop");
  fill(route.rejected, 60);
  route.spills = {{{"shop-v1", "shop-v2"}, 5}, {{"shop-v2", "shop-v1"}, 6}};
  ListenerTally& listener = tally.listener("0.0.0.0:8080");
  listener.active = 7;
  listener.idle = 8;
  listener.upgraded = 9;
  listener.accepted = most - 1;
  return tally;
}

core::Backend backend(const std::string& address, std::uint32_t first) {
  core::Backend backend;
  backend.pool = "shop-v1";
  backend.address = address;
  backend.in_flight = first;
  backend.upgraded = first + 1;
  backend.open = first + 2;
  backend.idle = first + 3;
  backend.requests = most - first;
  fill(backend.failures, first + 4);
  return backend;
}

HandoverCounts full_counts() {
  HandoverCounts counts;
  counts.report.tally = full_tally();
  counts.report.backends = {backend("127.0.0.1:9001", 20), backend("unix:/run/old", 30)};
  counts.report.gone = {false, true};
  counts.report.sessions = 12;
  RolloutTotals totals;
  totals.route = "shop";
  totals.decisions = {{"hold", "errors", 3}, {"advance", "", 4}};
  totals.hold_seconds = {{"errors", 1.0 / 3}, {"p99", 1e-300}, {"gate", 86'400.1}};
  totals.bad = {{"shop-v1", "errors", 5}, {"shop-v2", "p99", 6}};
  totals.shielded = 7;
  counts.rollouts = {totals, RolloutTotals{"api", {}, {}, {}, 1}};
  counts.access_log_dropped = 13;
  return counts;
}

HandoverState full_state() {
  HandoverState state;
  state.overrides.splits = {{"shop",
                             {{"shop-v1", 10000}, {"shop-v2", 0}},
                             {{"shop-v1", 8750}, {"shop-v2", 1250}},
                             9,
                             {"alice", 1'714'564'800'000}}};
  state.overrides.drains = {{"shop-v1", "127.0.0.1:9001", {"bob", 1'714'564'800'001}}};
  state.overrides.memberships = {{"shop-v1",
                                  {{"127.0.0.1:9001", 1}},
                                  {{"127.0.0.1:9001", 1}, {"127.0.0.1:9002", 3}},
                                  {"carol", 1'714'564'800'002}}};
  state.overrides.rollouts = {AnyRollout(7).record()};
  state.decided = false;
  state.generation = most;
  state.health = {{"shop-v1", "127.0.0.1:9001", HealthState::up},
                  {"shop-v1", "127.0.0.1:9002", HealthState::down},
                  {"shop-v2", "127.0.0.1:9003", HealthState::unknown},
                  {"shop-v3", "127.0.0.1:9004", HealthState::unchecked}};
  state.revisions = {{"shop", 9, {"alice", 1'714'564'800'000}}, {"api", 1, {}}};
  state.drains = {{"shop-v1", "127.0.0.1:9001", milliseconds(1500)},
                  {"shop-v2", "", std::nullopt},
                  {"shop-v3", "", milliseconds(0)}};
  state.events = {{41, "split", R"({"route":"shop"})"}, {42, "drain", "{\"who\":\"j\xc3\xb6rg\"}"}};
  state.counts = full_counts();
  return state;
}

/// As it passes from process to process; see HandoverChannel for the text.
json::value sent(const json::value& value) {
  json::parse_options options;
  options.allow_invalid_utf8 = true;
  return json::parse(json::serialize(value), {}, options);
}

TEST(HandoverStateTest, AFullStateComesBackAsItWas) {
  const HandoverState state = full_state();
  const auto read = read_handover(sent(to_json(state)));
  ASSERT_TRUE(read) << read.error();
  EXPECT_TRUE(parts(*read) == parts(state)) << to_json(*read) << "\n" << to_json(state);
}

TEST(HandoverStateTest, AnEmptyStateComesBackAsItWas) {
  const auto read = read_handover(sent(to_json(HandoverState{})));
  ASSERT_TRUE(read) << read.error();
  EXPECT_TRUE(parts(*read) == parts(HandoverState{}));
}

TEST(HandoverStateTest, CountsComeBackAsTheyWere) {
  const HandoverCounts counts = full_counts();
  const auto read = read_counts(sent(to_json(counts)));
  ASSERT_TRUE(read) << read.error();
  EXPECT_TRUE(parts(*read) == parts(counts)) << to_json(*read) << "\n" << to_json(counts);
}

TEST(HandoverStateTest, DoublesKeepEveryBit) {
  const auto read = read_counts(sent(to_json(full_counts())));
  ASSERT_TRUE(read) << read.error();
  EXPECT_EQ(read->rollouts.at(0).hold_seconds, full_counts().rollouts[0].hold_seconds);
}

TEST(HandoverStateTest, ADrainWithoutADeadlineHasNone) {
  const auto read = read_handover(sent(to_json(full_state())));
  ASSERT_TRUE(read) << read.error();
  ASSERT_EQ(read->drains.size(), 3U);
  EXPECT_EQ(read->drains[0].deadline, milliseconds(1500));
  EXPECT_EQ(read->drains[1].deadline, std::nullopt);
  EXPECT_EQ(read->drains[2].deadline, milliseconds(0));
}

TEST(HandoverStateTest, AnyRolloutsComeAlong) {
  for (unsigned seed = 1; seed <= 50; ++seed) {
    HandoverState state;
    AnyRollout any(seed);
    state.overrides.rollouts = {any.record(), any.record()};
    const auto read = read_handover(sent(to_json(state)));
    ASSERT_TRUE(read) << read.error() << " seed " << seed;
    EXPECT_EQ(read->overrides, state.overrides) << "seed " << seed;
  }
}

/// Calls for `root` without one of its members, for each of them at any depth, with its place.
void without_each(json::value& root, json::value& at, const std::string& place,
                  const std::function<void(const std::string&)>& look) {
  if (json::array* array = at.if_array(); array != nullptr) {
    for (std::size_t index = 0; index < array->size(); ++index) {
      without_each(root, (*array)[index], place + "[" + std::to_string(index) + "]", look);
    }
    return;
  }
  if (!at.is_object()) return;
  std::vector<std::string> keys;
  for (const auto& member : at.get_object()) keys.emplace_back(member.key());
  for (const std::string& key : keys) {
    const std::string there = place.empty() ? key : place + "." + key;
    json::value taken = at.get_object().at(key);
    at.get_object().erase(key);
    look(there);
    at.get_object()[key] = std::move(taken);
    without_each(root, at.get_object().at(key), there, look);
  }
}

TEST(HandoverStateTest, EveryMissingMemberIsNamed) {
  json::value root = to_json(full_state());
  std::size_t looked = 0;
  without_each(root, root, "", [&](const std::string& place) {
    ++looked;
    const auto read = read_handover(root);
    ASSERT_FALSE(read) << place;
    EXPECT_EQ(read.error(), "its member " + place + " is missing");
  });
  EXPECT_GT(looked, 80U) << "it went into the lists";
  EXPECT_TRUE(read_handover(root)) << "all is back in its place";
}

TEST(HandoverStateTest, AMissingMemberOfTheCountsIsNamed) {
  json::value root = to_json(full_counts());
  root.as_object().erase("rollouts");
  const auto read = read_counts(root);
  ASSERT_FALSE(read);
  EXPECT_EQ(read.error(), "its member rollouts is missing");
}

TEST(HandoverStateTest, WrongValuesAreNamed) {
  const auto error_with = [](const std::string& key, json::value wrong) {
    json::value root = to_json(full_state());
    root.as_object()[key] = std::move(wrong);
    const auto read = read_handover(root);
    return read ? "none" : read.error();
  };
  EXPECT_EQ(error_with("generation", -1), "its member generation is no whole number in range");
  EXPECT_EQ(error_with("health", "up"), "its member health is no array");
  EXPECT_EQ(error_with("counts", 1), "its member counts is no object");
  EXPECT_EQ(
      error_with("health", json::array{{{"pool", "p"}, {"backend", "b"}, {"state", "sideways"}}}),
      "its member health[0].state is none of the words that can stand there");
  EXPECT_TRUE(error_with("overrides", "{").starts_with("its member overrides cannot be read: "));
}

TEST(HandoverStateTest, AHistogramOfAnotherSizeIsRefused) {
  json::value root = to_json(full_counts());
  json::object& first = root.at("report").as_object()["route_pools"].as_array().front().as_object();
  first["duration"].as_object()["counts"].as_array().pop_back();
  const auto read = read_counts(root);
  ASSERT_FALSE(read);
  EXPECT_EQ(read.error(),
            "its member report.route_pools[0].duration.counts has 16 elements instead of 17");
}

TEST(HandoverStateTest, WhatIsNoObjectIsRefused) {
  const std::vector<json::value> wrong{json::value(nullptr), json::value("x"), json::array{}};
  for (const json::value& value : wrong) {
    ASSERT_FALSE(read_handover(value)) << value;
    EXPECT_NE(read_handover(value).error().find("is no object"), std::string::npos);
    EXPECT_FALSE(read_counts(value)) << value;
  }
}

}  // namespace
}  // namespace sluice::proxy
