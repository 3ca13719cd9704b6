#include "proxy/admin_events.hpp"

#include <gtest/gtest.h>

#include "tests/proxy/admin_fake_control.hpp"

namespace sluice::proxy {
namespace {

class AdminEvents : public ::testing::Test {
 protected:
  std::unique_ptr<EventFeed> feed(EventWish wish, std::size_t backlog = 4) {
    return std::make_unique<EventFeed>(control, std::move(wish), backlog, [this] { ++wakes; });
  }

  FakeControl control;
  int wakes = 0;
};

TEST_F(AdminEvents, TextHasIdTypeAndOneDataLinePerLine) {
  EXPECT_EQ(event_text({5, "split", R"({"a":1})"}), "id: 5\nevent: split\ndata: {\"a\":1}\n\n");
  EXPECT_EQ(event_text({6, "x", "a\nb"}), "id: 6\nevent: x\ndata: a\ndata: b\n\n");
}

TEST_F(AdminEvents, WithoutIdOnlyNewEventsCome) {
  control.emit("old", "{}");
  const auto reader = feed({});
  EXPECT_EQ(reader->take(), "");
  control.emit("new", "{}");
  EXPECT_EQ(wakes, 1);
  EXPECT_EQ(reader->take(), "id: 2\nevent: new\ndata: {}\n\n");
  EXPECT_EQ(reader->take(), "");
}

TEST_F(AdminEvents, ResumeGivesEachMissedEventOnce) {
  control.emit("a", "{}");
  control.emit("b", "{}");
  const auto reader = feed({1, {}});
  control.emit("c", "{}");
  EXPECT_EQ(reader->take(), event_text(control.kept[1]) + event_text(control.kept[2]));
  EXPECT_EQ(feed({0, {}})->take(), event_text(control.kept[0]) + event_text(control.kept[1]) +
                                       event_text(control.kept[2]));
}

TEST_F(AdminEvents, ResumeFromTheNewestGivesNothingOld) {
  control.emit("a", "{}");
  EXPECT_EQ(feed({1, {}})->take(), "");
}

TEST_F(AdminEvents, EventsNoLongerKeptAreReportedAsAGap) {
  for (int i = 0; i < 3; ++i) control.emit("a", "{}");
  control.kept.erase(control.kept.begin(), control.kept.begin() + 2);
  const auto reader = feed({1, {}});
  EXPECT_EQ(reader->take(),
            "event: gap\ndata: {\"after\":1,\"next\":3}\n\n" + event_text(control.kept[0]));
}

TEST_F(AdminEvents, IdOfAnEarlierProcessIsReportedAsAGap) {
  control.emit("a", "{}");
  EXPECT_EQ(feed({900, {}})->take(),
            "event: gap\ndata: {\"after\":900,\"next\":1}\n\n" + event_text(control.kept[0]));
}

TEST_F(AdminEvents, OnlyWantedTypesCome) {
  control.emit("drain", "{}");
  control.emit("split", "{}");
  const auto reader = feed({0, {"split"}});
  control.emit("health", "{}");
  EXPECT_EQ(wakes, 0);
  EXPECT_EQ(reader->take(), event_text(control.kept[1]));
}

TEST_F(AdminEvents, SlowReaderIsCutBeyondItsBacklog) {
  const auto reader = feed({}, 2);
  control.emit("a", "{}");
  control.emit("b", "{}");
  EXPECT_FALSE(reader->overrun());
  control.emit("c", "{}");
  EXPECT_TRUE(reader->overrun());
  EXPECT_EQ(wakes, 3);
}

TEST_F(AdminEvents, ReaderThatKeepsUpIsNotCut) {
  const auto reader = feed({}, 1);
  for (int i = 0; i < 100; ++i) {
    control.emit("a", "{}");
    EXPECT_NE(reader->take(), "");
  }
  EXPECT_FALSE(reader->overrun());
}

TEST_F(AdminEvents, SubscriptionEndsWithTheFeed) {
  feed({});
  EXPECT_TRUE(control.listeners.empty());
}

}  // namespace
}  // namespace sluice::proxy
