#include <gtest/gtest.h>

#include "proxy/program/admin_client.hpp"
#include "proxy/program/event_reader.hpp"
#include "proxy/program/table.hpp"
#include "proxy/program/views.hpp"

namespace sluice::proxy::program {
namespace {

TEST(AdminViews, TableAlignsAndLeavesNoBlanksAtTheEnd) {
  Table table({{"NAME"}, {"COUNT", Table::Align::right}, {"NOTE"}});
  table.add({{"a"}, {"5"}, {}});
  table.add({{"b\xc3\xa4r"}, {"123456"}, {"x"}});
  EXPECT_EQ(table.text(false), "NAME   COUNT  NOTE\na          5\nb\xc3\xa4r   123456  x\n");
}

TEST(AdminViews, ColourDoesNotChangeTheLayout) {
  Table table({{"A"}, {"B"}});
  table.add({{"up", Tone::good}, {"x"}});
  EXPECT_EQ(table.text(true), "\033[1mA\033[0m   \033[1mB\033[0m\n\033[32mup\033[0m  x\n");
}

TEST(AdminViews, WhatIsNoJsonIsShownAsItIs) {
  EXPECT_EQ(status_view("plain", false), "plain");
  EXPECT_NE(status_view(R"({"decider":{"is_self":false,"held_by":"process 7, admin a:1"}})", false)
                .find(", 0 workers, follows process 7, admin a:1\n"),
            std::string::npos);
  EXPECT_EQ(problem_view(502, "Bad\nGateway"), "502 Bad");
  EXPECT_FALSE(drain_verdict("plain").drained);
}

TEST(AdminViews, MissingMembersReadAsNothing) {
  EXPECT_EQ(pools_view("{}", false), "no pools\n");
  EXPECT_TRUE(status_view("{}", false).starts_with("sluice , not ready: , up 0s, generation 0"));
}

TEST(EventReader, ReadsAStreamCutAnywhere) {
  const std::string stream =
      ": comment\n\nid: 5\nevent: split\ndata: {\"a\":\ndata: 1}\n\n:\n\nevent: gap\r\ndata: "
      "{}\r\n\r\n";
  for (std::size_t cut = 0; cut <= stream.size(); ++cut) {
    EventReader reader;
    auto events = reader.feed(stream.substr(0, cut));
    for (auto& event : reader.feed(stream.substr(cut))) events.push_back(event);
    ASSERT_EQ(events.size(), 2U) << cut;
    EXPECT_EQ(events[0].id, "5");
    EXPECT_EQ(events[0].type, "split");
    EXPECT_EQ(events[0].body, "{\"a\":\n1}");
    EXPECT_EQ(events[1].id, "");
    EXPECT_EQ(events[1].type, "gap");
  }
}

TEST(AdminEndpoint, FormsOfAnAddress) {
  EXPECT_EQ(parse_endpoint("127.0.0.1:9901")->host, "127.0.0.1");
  EXPECT_EQ(parse_endpoint("http://[::1]:9901/")->host, "::1");
  EXPECT_EQ(parse_endpoint("proxy.internal:9901")->port, "9901");
  EXPECT_EQ(parse_endpoint("unix:/run/a.sock")->path, "/run/a.sock");
  for (const char* text : {"", "unix:", ":9901", "127.0.0.1", "127.0.0.1:", "host:port",
                           "::1:9901x", "https://a:1", "http://a:1/path", "user@host:1"})
    EXPECT_FALSE(parse_endpoint(text)) << text;
}

}  // namespace
}  // namespace sluice::proxy::program
