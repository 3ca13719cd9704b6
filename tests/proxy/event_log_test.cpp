#include "proxy/event_log.hpp"

#include <gtest/gtest.h>

#include <functional>
#include <memory>
#include <string>
#include <vector>

namespace sluice::proxy {
namespace {

TEST(EventLogTest, NumbersEventsInOrder) {
  EventLog log;
  log.add("weights", "{}");
  log.add("drain", "{\"who\":\"alice\"}");
  const auto events = log.since(0);
  ASSERT_EQ(events.size(), 2U);
  EXPECT_EQ(events[0].id, 1U);
  EXPECT_EQ(events[1].id, 2U);
  EXPECT_EQ(events[1].type, "drain");
  EXPECT_EQ(events[1].body, "{\"who\":\"alice\"}");
}

TEST(EventLogTest, GoesOnBehindTheLastOneSeen) {
  EventLog log;
  for (int i = 0; i < 5; ++i) log.add("x", std::to_string(i));
  EXPECT_EQ(log.since(3).size(), 2U);
  EXPECT_EQ(log.since(3)[0].id, 4U);
  EXPECT_TRUE(log.since(5).empty());
  EXPECT_TRUE(log.since(500).empty());
}

TEST(EventLogTest, KeepsTheNewest) {
  EventLog log;
  for (std::size_t i = 0; i < EventLog::kept + 10; ++i) log.add("x", std::to_string(i));
  const auto events = log.since(0);
  ASSERT_EQ(events.size(), EventLog::kept);
  EXPECT_EQ(events.front().id, 11U);
  EXPECT_EQ(events.back().id, EventLog::kept + 10);
}

TEST(EventLogTest, TellsListenersUntilTheirTokenGoes) {
  EventLog log;
  std::vector<std::string> heard;
  auto token = log.subscribe([&](const Event& event) { heard.push_back(event.body); });
  auto other = log.subscribe([&](const Event& event) { heard.push_back("2:" + event.body); });
  log.add("x", "a");
  token.reset();
  log.add("x", "b");
  other.reset();
  log.add("x", "c");
  EXPECT_EQ(heard, (std::vector<std::string>{"a", "2:a", "2:b"}));
}

TEST(EventLogTest, AListenerMayEndItselfOrAnotherOne) {
  EventLog log;
  int heard = 0;
  std::vector<std::shared_ptr<void>> tokens;
  for (int i = 0; i < 3; ++i) {
    tokens.push_back(log.subscribe([&](const Event&) {
      ++heard;
      tokens.clear();
    }));
  }
  log.add("x", "a");
  EXPECT_EQ(heard, 1) << "the first ended all";
  log.add("x", "b");
  EXPECT_EQ(heard, 1);
}

TEST(EventLogTest, AListenerMayBringInAnother) {
  EventLog log;
  int late = 0;
  std::shared_ptr<void> second;
  const auto first = log.subscribe([&](const Event&) {
    if (!second) second = log.subscribe([&](const Event&) { ++late; });
  });
  log.add("x", "a");
  EXPECT_EQ(late, 0) << "it came after this event";
  log.add("x", "b");
  EXPECT_EQ(late, 1);
}

TEST(EventLogTest, AListenerMayCauseAnEvent) {
  EventLog log;
  std::vector<std::uint64_t> heard;
  const auto token = log.subscribe([&](const Event& event) {
    heard.push_back(event.id);
    if (event.id == 1) log.add("y", "caused");
  });
  log.add("x", "a");
  EXPECT_EQ(heard, (std::vector<std::uint64_t>{1, 2}));
  EXPECT_EQ(log.since(0).size(), 2U);
}

TEST(EventLogTest, GoesOnFromTheNumbersOfAnotherProcess) {
  EventLog log;
  log.go_on_from({{41, "split", "a"}, {42, "drain", "b"}});
  log.add("x", "c");
  const auto events = log.since(0);
  ASSERT_EQ(events.size(), 3U);
  EXPECT_EQ(events[0].id, 41U);
  EXPECT_EQ(events[0].type, "split");
  EXPECT_EQ(events[1].body, "b");
  EXPECT_EQ(events[2].id, 43U);
  EXPECT_EQ(events[2].body, "c");
  EXPECT_EQ(log.since(42).size(), 1U) << "who saw the older ones elsewhere goes on here";
}

TEST(EventLogTest, ItsOwnEventsComeBehindThoseOfAnotherProcess) {
  EventLog log;
  log.add("x", "own 1");
  log.add("x", "own 2");
  log.go_on_from({{6, "y", "older"}, {7, "y", "old"}});
  log.add("x", "own 3");
  std::vector<std::uint64_t> ids;
  std::vector<std::string> bodies;
  for (const Event& event : log.since(0)) {
    ids.push_back(event.id);
    bodies.push_back(event.body);
  }
  EXPECT_EQ(ids, (std::vector<std::uint64_t>{6, 7, 8, 9, 10}));
  EXPECT_EQ(bodies, (std::vector<std::string>{"older", "old", "own 1", "own 2", "own 3"}));
}

TEST(EventLogTest, KeepsTheNewestOfBothProcesses) {
  EventLog log;
  log.add("x", "own");
  std::vector<Event> before;
  for (std::uint64_t id = 501; id <= 500 + EventLog::kept; ++id) before.push_back({id, "y", ""});
  log.go_on_from(before);
  const auto events = log.since(0);
  ASSERT_EQ(events.size(), EventLog::kept);
  EXPECT_EQ(events.front().id, 502U);
  EXPECT_EQ(events.back().id, 501 + EventLog::kept);
  EXPECT_EQ(events.back().body, "own");
}

TEST(EventLogTest, AProcessWithoutEventsChangesNothing) {
  EventLog log;
  log.add("x", "own");
  log.go_on_from({});
  log.add("x", "next");
  ASSERT_EQ(log.since(0).size(), 2U);
  EXPECT_EQ(log.since(0)[0].id, 1U);
  EXPECT_EQ(log.since(0)[1].id, 2U);
}

TEST(EventLogTest, ListenersHearNothingOfOlderEvents) {
  EventLog log;
  std::vector<std::uint64_t> heard;
  const auto token = log.subscribe([&](const Event& event) { heard.push_back(event.id); });
  log.go_on_from({{41, "x", ""}});
  log.add("x", "");
  EXPECT_EQ(heard, (std::vector<std::uint64_t>{42}));
}

}  // namespace
}  // namespace sluice::proxy
