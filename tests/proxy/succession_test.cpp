#include "proxy/succession.hpp"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <boost/json.hpp>
#include <filesystem>
#include <memory>
#include <optional>
#include <stdexcept>
#include <string>
#include <utility>

#include "sluice/version.hpp"
#include "tests/support/socket.hpp"
#include "tests/support/temp_dir.hpp"

namespace sluice::proxy {
namespace {

namespace json = boost::json;

/// The beginning of a hand-over. What the predecessor says is there before it is asked for.
class SuccessionTest : public ::testing::Test {
 protected:
  SuccessionTest() {
    support::SocketPair pair = support::blocking_socket_pair();
    predecessor.emplace(OwnedDescriptor(pair.ours.release()));
    socket = OwnedDescriptor(pair.peer.release());
  }

  void say(HandoverMessage message) {
    predecessor->put(std::move(message));
    ASSERT_TRUE(predecessor->send_some() && !predecessor->has_unsent());
  }
  void say_socket(const std::string& kind, const std::string& configured, int descriptor) {
    HandoverMessage message{
        "sockets",
        json::object{{"sockets", json::array{{{"kind", kind}, {"configured", configured}}}}}};
    message.descriptors.emplace_back(::fcntl(descriptor, F_DUPFD_CLOEXEC, 0));
    say(std::move(message));
  }
  void say_state(std::uint64_t generation) {
    HandoverState state;
    state.generation = generation;
    json::value body = to_json(state);
    body.as_object()["version"] = "9.9.8";
    body.as_object()["pid"] = ::getpid();
    say({"state", std::move(body)});
  }
  core::Result<std::shared_ptr<Succession>, std::string> begin(int patience_ms = 30'000) {
    return Succession::begin(std::move(socket), milliseconds(patience_ms));
  }
  /// Why it came to nothing, behind what is always said.
  std::string failure(int patience_ms = 30'000) {
    const auto begun = begin(patience_ms);
    if (begun) return "none";
    const std::string common = "the hand-over from the running process failed: ";
    EXPECT_TRUE(begun.error().starts_with(common)) << begun.error();
    return begun.error().substr(common.size());
  }
  std::optional<HandoverMessage> heard() {
    predecessor->receive_some();
    return predecessor->take();
  }
  ListeningSocket opened(const std::string& address) {
    auto made = ListeningSocket::open(address, {"A listener", "[[listener]]"});
    if (!made) throw std::runtime_error(made.error());
    return std::move(*made);
  }

  const support::TempDir directory;
  std::optional<HandoverChannel> predecessor;
  OwnedDescriptor socket;
};

TEST_F(SuccessionTest, SaysHelloAndGetsSocketsAndState) {
  const ListeningSocket one = opened("127.0.0.1:0");
  const ListeningSocket admin = opened("127.0.0.1:0");
  say_socket("listener", "127.0.0.1:8080", one.descriptor());
  say_socket("listener", "127.0.0.1:8080", one.descriptor());
  say_socket("admin", "127.0.0.1:9901", admin.descriptor());
  say_state(7);
  const auto begun = begin();
  ASSERT_TRUE(begun) << begun.error();
  const auto hello = heard();
  ASSERT_TRUE(hello);
  EXPECT_EQ(hello->type, "hello");
  EXPECT_EQ(hello->body.at("protocol"), handover_protocol);
  EXPECT_EQ(hello->body.at("pid"), ::getpid());
  EXPECT_EQ(json::value_to<std::string>(hello->body.at("version")), version);
  Succession& succession = **begun;
  EXPECT_EQ(succession.predecessor().pid, ::getpid());
  EXPECT_EQ(succession.predecessor().version, "9.9.8");
  EXPECT_EQ(succession.state()->generation, 7U);
  const auto listeners = succession.take_listeners();
  ASSERT_EQ(listeners.size(), 1U);
  EXPECT_EQ(listeners[0].configured, "127.0.0.1:8080");
  ASSERT_EQ(listeners[0].sockets.size(), 2U);
  EXPECT_EQ(listeners[0].sockets[0].address(), one.address());
  EXPECT_FALSE(succession.take_admin("127.0.0.1:9902")) << "another address is configured";
  const auto taken = succession.take_admin("127.0.0.1:9901");
  ASSERT_TRUE(taken);
  EXPECT_EQ(taken->address(), admin.address());
}

TEST_F(SuccessionTest, OneThatFailsBehindTheSocketsLeavesTheirFiles) {
  const std::string path = directory.file("listener.sock");
  const std::string admin_path = directory.file("admin.sock");
  const ListeningSocket one = opened("unix:" + path);
  const ListeningSocket admin = opened("unix:" + admin_path);
  say_socket("listener", "unix:" + path, one.descriptor());
  say_socket("admin", "unix:" + admin_path, admin.descriptor());
  predecessor.reset();
  EXPECT_NE(failure(), "none");
  EXPECT_TRUE(std::filesystem::exists(path)) << "it is the predecessor's still";
  EXPECT_TRUE(std::filesystem::exists(admin_path));
}

TEST_F(SuccessionTest, OneThatRefusesSaysWhyAndLeavesTheFiles) {
  const std::string path = directory.file("listener.sock");
  const ListeningSocket one = opened("unix:" + path);
  say_socket("listener", "unix:" + path, one.descriptor());
  say_state(1);
  auto begun = begin();
  ASSERT_TRUE(begun) << begun.error();
  (*begun)->refuse("its configuration is wrong");
  *begun = nullptr;
  EXPECT_TRUE(std::filesystem::exists(path));
  EXPECT_EQ(heard().value_or(HandoverMessage{}).type, "hello");
  const auto failed = heard();
  ASSERT_TRUE(failed);
  EXPECT_EQ(failed->type, "failed");
  EXPECT_EQ(failed->body.at("why"), "its configuration is wrong");
}

TEST_F(SuccessionTest, APredecessorThatDoesNotWantToIsQuoted) {
  say({"abort", json::object{{"why", "this process stops already"}}});
  EXPECT_EQ(failure(), "this process stops already");
}

TEST_F(SuccessionTest, ASilentPredecessorIsNotWaitedForLongerThanAsked) {
  EXPECT_EQ(failure(20), "it does not answer");
}

TEST_F(SuccessionTest, WhatIsSaidOutOfTurnEndsIt) {
  say({"go"});
  EXPECT_EQ(failure(), "it said \"go\" out of turn");
}

TEST_F(SuccessionTest, WhatDoesNotListenEndsIt) {
  say_socket("listener", "127.0.0.1:8080", predecessor->descriptor());
  EXPECT_EQ(failure(), "a descriptor that was handed over is no listening socket");
}

TEST_F(SuccessionTest, SocketsThatAreMissingEndIt) {
  say({"sockets",
       json::object{{"sockets", json::array{{{"kind", "listener"}, {"configured", "x"}}}}}});
  EXPECT_EQ(failure(), "sockets are missing");
}

TEST_F(SuccessionTest, AStateThatCannotBeReadNamesWhatIsMissing) {
  say({"state"});
  EXPECT_EQ(failure(), "its state cannot be read: its member overrides is missing");
}

TEST_F(SuccessionTest, MembersThatAreMissingElsewhereEndIt) {
  say({"sockets"});
  EXPECT_TRUE(failure().starts_with("it sent \"sockets\" that cannot be read: "));
}

TEST_F(SuccessionTest, WhoWillNotEvenBeginSaysSo) {
  Succession::decline(std::move(socket), "no such file");
  const auto said = heard();
  ASSERT_TRUE(said);
  EXPECT_EQ(said->type, "failed");
  EXPECT_EQ(said->body.at("why"), "no such file");
}

TEST_F(SuccessionTest, WhoMayNotTakeOverIsTold) {
  Succession::abort(std::move(socket), "wait for how that ends");
  const auto said = heard();
  ASSERT_TRUE(said);
  EXPECT_EQ(said->type, "abort");
  EXPECT_EQ(said->body.at("why"), "wait for how that ends");
}

}  // namespace
}  // namespace sluice::proxy
