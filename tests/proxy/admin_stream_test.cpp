#include <gtest/gtest.h>

#include "tests/proxy/admin_running.hpp"
#include "tests/support/raw_client.hpp"

namespace sluice::proxy {
namespace {

using support::RawClient;

/// Asks for events and waits until the server follows them.
void follow(RawClient& client, std::string_view target = "/v1/events",
            std::string_view fields = "") {
  client.send(get_text(target, fields));
  EXPECT_NE(client.stream.take_through("\r\n\r\n").find("Content-Type: text/event-stream\r\n"),
            std::string::npos);
  EXPECT_EQ(client.stream.take_through("\n\n"), ": events\n\n");
}

void emit(RunningAdmin& admin, const std::string& type) {
  admin.on_control([&](FakeControl& control) { control.emit(type, R"({"by":"bob"})"); });
}

/// Whether nobody is subscribed any more, soon.
bool is_forgotten(RunningAdmin& admin) {
  return support::eventually([&] {
    bool forgotten = false;
    admin.on_control([&](FakeControl& control) { forgotten = control.listeners.empty(); });
    return forgotten;
  });
}

TEST(AdminStream, EventsArriveAsTheyHappen) {
  RunningAdmin admin;
  RawClient client(admin.address());
  follow(client);
  emit(admin, "split");
  EXPECT_EQ(client.stream.take_through("\n\n"), "id: 1\nevent: split\ndata: {\"by\":\"bob\"}\n\n");
  emit(admin, "drain");
  EXPECT_EQ(client.stream.take_through("\n\n"), "id: 2\nevent: drain\ndata: {\"by\":\"bob\"}\n\n");
}

TEST(AdminStream, LastEventIdResumesWithoutLossOrRepetition) {
  RunningAdmin admin;
  for (int i = 0; i < 3; ++i) emit(admin, "split");
  RawClient client(admin.address());
  follow(client, "/v1/events", "Last-Event-ID: 1\r\n");
  EXPECT_TRUE(client.stream.take_through("\n\n").starts_with("id: 2\n"));
  EXPECT_TRUE(client.stream.take_through("\n\n").starts_with("id: 3\n"));
  emit(admin, "split");
  EXPECT_TRUE(client.stream.take_through("\n\n").starts_with("id: 4\n"));
  RawClient by_query(admin.address());
  follow(by_query, "/v1/events?last_event_id=3&types=split");
  EXPECT_TRUE(by_query.stream.take_through("\n\n").starts_with("id: 4\n"));
}

TEST(AdminStream, QuietStreamHasHeartbeats) {
  AdminOptions options;
  options.heartbeat = milliseconds(10);
  RunningAdmin admin(options);
  RawClient client(admin.address());
  follow(client);
  EXPECT_EQ(client.stream.take_through("\n\n"), ":\n\n");
  EXPECT_EQ(client.stream.take_through("\n\n"), ":\n\n");
}

TEST(AdminStream, ReaderThatIsLeftIsForgotten) {
  AdminOptions options;
  options.heartbeat = milliseconds(10);
  RunningAdmin admin(options);
  {
    RawClient client(admin.address());
    follow(client);
    admin.on_control([](FakeControl& control) { EXPECT_EQ(control.listeners.size(), 1U); });
  }
  EXPECT_TRUE(is_forgotten(admin));
}

TEST(AdminStream, SlowReaderIsCut) {
  AdminOptions options;
  options.event_backlog = 2;
  RunningAdmin admin(options);
  RawClient client(admin.address());
  follow(client);
  admin.on_control([](FakeControl& control) {
    for (int i = 0; i < 3; ++i) control.emit("health", "{}");
  });
  client.stream.take_all();
  EXPECT_EQ(client.stream.ending(), support::Ending::closed);
}

TEST(AdminStream, ReaderThatNeverReadsIsCut) {
  AdminOptions options;
  options.head_timeout = milliseconds(50);
  RunningAdmin admin(options);
  RawClient client(admin.address());
  follow(client);
  const std::string large(1'000'000, 'x');
  EXPECT_TRUE(support::eventually([&] {
    bool gone = false;
    admin.on_control([&](FakeControl& control) {
      gone = control.listeners.empty();
      if (!gone) control.emit("health", large);
    });
    return gone;
  }));
}

TEST(AdminStream, StopEndsTheStream) {
  RunningAdmin admin;
  RawClient client(admin.address());
  follow(client);
  admin.stop();
  EXPECT_TRUE(client.is_ended());
  EXPECT_TRUE(is_forgotten(admin));
}

TEST(AdminStream, HeadOfTheStreamEndsAtOnce) {
  RunningAdmin admin;
  RawClient client(admin.address());
  client.send(call_text("HEAD", "/v1/events", ""));
  EXPECT_TRUE(client.stream.take_all().ends_with("\r\n\r\n"));
}

}  // namespace
}  // namespace sluice::proxy
