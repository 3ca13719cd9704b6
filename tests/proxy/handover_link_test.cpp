#include "proxy/handover_link.hpp"

#include <gtest/gtest.h>
#include <poll.h>
#include <unistd.h>

#include <array>
#include <boost/asio/io_context.hpp>
#include <boost/json.hpp>
#include <chrono>
#include <memory>
#include <stdexcept>
#include <string>
#include <utility>

#include "tests/support/deadline.hpp"
#include "tests/support/socket.hpp"

namespace sluice::proxy {
namespace {

namespace json = boost::json;

std::array<OwnedDescriptor, 2> sockets() {
  support::SocketPair pair = support::blocking_socket_pair();
  return {OwnedDescriptor(pair.ours.release()), OwnedDescriptor(pair.peer.release())};
}
std::array<OwnedDescriptor, 2> pipe_ends() {
  std::array<int, 2> ends{};
  if (::pipe(ends.data()) != 0) throw std::runtime_error("no pipe");
  return {OwnedDescriptor(ends[0]), OwnedDescriptor(ends[1])};
}

/// Whether nobody has the writing end of a pipe any more.
bool is_abandoned(const OwnedDescriptor& reading) {
  pollfd entry{reading.get(), POLLIN, 0};
  return ::poll(&entry, 1, 0) == 1 && (entry.revents & POLLHUP) != 0;
}

/// A message that no socket takes at once, with the writing end of a pipe.
HandoverMessage large_message(OwnedDescriptor writing) {
  HandoverMessage message{"commit", json::object{{"text", std::string(4'000'000, 'x')}}, {}};
  message.descriptors.push_back(std::move(writing));
  return message;
}

/// Whose process may end at any moment: the lock of a folder would be held by nobody otherwise.
TEST(HandoverLink, ADescriptorOfHalfAMessageIsClosedWithTheLink) {
  boost::asio::io_context io;
  auto [here, there] = sockets();
  auto [reading, writing] = pipe_ends();
  std::string why;
  const auto link = std::make_shared<HandoverLink>(io, HandoverChannel(std::move(there)));
  link->start([](const HandoverMessage&) { FAIL() << "it is not whole"; },
              [&, &reading = reading](const std::string& reason) {
                why = reason;
                EXPECT_TRUE(is_abandoned(reading)) << "before anybody hears of the end";
              });
  {
    HandoverChannel sender(std::move(here));
    sender.put(large_message(std::move(writing)));
    ASSERT_TRUE(sender.send_some());
    ASSERT_TRUE(sender.has_unsent());
    while (io.poll() > 0) {
    }
    EXPECT_FALSE(is_abandoned(reading)) << "it is on its way";
  }
  const support::Deadline deadline;
  while (why.empty() && !deadline.passed()) io.run_one_for(std::chrono::milliseconds(100));
  EXPECT_EQ(why, "the other process has closed the connection");
  EXPECT_TRUE(is_abandoned(reading));
}

TEST(HandoverLink, WhatWasNotSentIsDroppedWithItsDescriptors) {
  boost::asio::io_context io;
  auto [here, there] = sockets();
  auto [reading, writing] = pipe_ends();
  const auto link = std::make_shared<HandoverLink>(io, HandoverChannel(std::move(here)));
  link->start([](const HandoverMessage&) {}, [](const std::string&) {});
  link->put({"state", json::object{{"text", std::string(4'000'000, 'x')}}, {}});
  link->put(large_message(std::move(writing)));
  while (io.poll() > 0) {
  }
  EXPECT_FALSE(is_abandoned(reading));
  link->close_behind();
  EXPECT_TRUE(is_abandoned(reading));
}

}  // namespace
}  // namespace sluice::proxy
