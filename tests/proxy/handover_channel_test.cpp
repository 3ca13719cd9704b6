#include "proxy/handover_channel.hpp"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include <array>
#include <boost/json.hpp>
#include <cstddef>
#include <optional>
#include <string>
#include <vector>

#include "tests/support/deadline.hpp"
#include "tests/support/socket.hpp"

namespace sluice::proxy {
namespace {

namespace json = boost::json;

/// Both ends of a conversation, in this process.
class HandoverChannelTest : public ::testing::Test {
 protected:
  HandoverChannelTest() {
    support::SocketPair pair = support::blocking_socket_pair();
    here.emplace(OwnedDescriptor(pair.ours.release()));
    there.emplace(OwnedDescriptor(pair.peer.release()));
  }

  /// Sends everything from here and receives it there. False when a side breaks or time is over.
  bool pass_over() {
    const support::Deadline deadline;
    while (here->has_unsent()) {
      if (deadline.passed() || !here->send_some() || !there->receive_some()) return false;
    }
    return there->receive_some();
  }
  /// Octets as no channel sends them.
  void send_raw(const std::string& octets) {
    ASSERT_EQ(::send(here->descriptor(), octets.data(), octets.size(), MSG_NOSIGNAL),
              static_cast<ssize_t>(octets.size()));
  }
  static std::string framed(const std::string& text) {
    std::string prefix(4, '\0');
    for (std::size_t index = 0; index < prefix.size(); ++index) {
      prefix[index] = static_cast<char>(text.size() >> (8 * index) & 0xff);
    }
    return prefix + text;
  }

  std::optional<HandoverChannel> here;
  std::optional<HandoverChannel> there;
};

/// A file that is no other's.
OwnedDescriptor new_file() {
  return OwnedDescriptor(::memfd_create("handed", MFD_CLOEXEC));
}

ino_t inode_of(const OwnedDescriptor& descriptor) {
  struct stat found {};
  return ::fstat(descriptor.get(), &found) == 0 ? found.st_ino : 0;
}

/// More files may be open while it lives.
class ManyFiles {
 public:
  ManyFiles() {
    ::getrlimit(RLIMIT_NOFILE, &before_);
    rlimit more = before_;
    more.rlim_cur = before_.rlim_max;
    ::setrlimit(RLIMIT_NOFILE, &more);
  }
  ManyFiles(const ManyFiles&) = delete;
  ManyFiles& operator=(const ManyFiles&) = delete;
  ~ManyFiles() { ::setrlimit(RLIMIT_NOFILE, &before_); }

 private:
  rlimit before_{};
};

TEST_F(HandoverChannelTest, BodiesOfAnySizeArriveAsTheyWere) {
  for (const std::size_t size : {0UL, 1UL, 65'535UL, 65'536UL, 1'000'003UL, 5UL << 20U}) {
    const json::value body{{"text", std::string(size, 'x')}, {"size", size}};
    here->put({"state", body});
    ASSERT_TRUE(pass_over()) << size << ": " << here->why() << there->why();
    const auto message = there->take();
    ASSERT_TRUE(message) << size << ": " << there->why();
    EXPECT_EQ(message->type, "state");
    EXPECT_TRUE(message->body == body) << size;
    EXPECT_FALSE(there->take()) << size;
  }
}

TEST_F(HandoverChannelTest, AMessageNeedsNoBody) {
  here->put({"ready"});
  ASSERT_TRUE(pass_over());
  const auto message = there->take();
  ASSERT_TRUE(message) << there->why();
  EXPECT_EQ(message->type, "ready");
  EXPECT_TRUE(message->body == json::value(json::object()));
  EXPECT_TRUE(message->descriptors.empty());
}

TEST_F(HandoverChannelTest, SeveralMessagesInOneReadComeOutInOrder) {
  for (const char* type : {"ready", "taken", "serving"}) here->put({type});
  ASSERT_TRUE(here->send_some());
  EXPECT_FALSE(here->has_unsent());
  ASSERT_TRUE(there->receive_some());
  std::vector<std::string> types;
  while (auto message = there->take()) types.push_back(message->type);
  EXPECT_EQ(types, (std::vector<std::string>{"ready", "taken", "serving"}));
  EXPECT_EQ(there->why(), "");
}

TEST_F(HandoverChannelTest, AMessageInPiecesIsOneMessage) {
  const std::string text = framed(R"({"type":"go","descriptors":0,"body":{}})");
  for (const char octet : text) {
    ASSERT_FALSE(there->take());
    send_raw(std::string(1, octet));
    ASSERT_TRUE(there->receive_some());
  }
  const auto message = there->take();
  ASSERT_TRUE(message) << there->why();
  EXPECT_EQ(message->type, "go");
}

TEST_F(HandoverChannelTest, BothSidesSpeak) {
  here->put({"hello"});
  there->put({"abort"});
  ASSERT_TRUE(here->send_some() && there->send_some());
  ASSERT_TRUE(here->receive_some() && there->receive_some());
  EXPECT_EQ(here->take().value_or(HandoverMessage{}).type, "abort");
  EXPECT_EQ(there->take().value_or(HandoverMessage{}).type, "hello");
}

TEST_F(HandoverChannelTest, TextThatIsNoUtf8Passes) {
  here->put({"state", json::object{{"words", "caf\xe9"}}});
  ASSERT_TRUE(pass_over());
  const auto message = there->take();
  ASSERT_TRUE(message) << there->why();
  EXPECT_EQ(json::value_to<std::string>(message->body.at("words")), "caf\xe9");
}

TEST_F(HandoverChannelTest, DescriptorsArriveWithTheirMessageAndAreTheSameFiles) {
  std::vector<ino_t> sent;
  for (const std::size_t count : {1U, 0U, 2U}) {
    HandoverMessage message{"sockets", json::object{{"count", count}}};
    for (std::size_t index = 0; index < count; ++index) {
      message.descriptors.push_back(new_file());
      sent.push_back(inode_of(message.descriptors.back()));
    }
    here->put(std::move(message));
  }
  ASSERT_TRUE(pass_over()) << there->why();
  std::vector<ino_t> received;
  for (const std::size_t count : {1U, 0U, 2U}) {
    const auto message = there->take();
    ASSERT_TRUE(message) << there->why();
    ASSERT_EQ(message->descriptors.size(), count);
    for (const OwnedDescriptor& descriptor : message->descriptors) {
      received.push_back(inode_of(descriptor));
      EXPECT_NE(::fcntl(descriptor.get(), F_GETFD) & FD_CLOEXEC, 0) << "no child may inherit it";
    }
  }
  EXPECT_EQ(received, sent);
}

TEST_F(HandoverChannelTest, WhatIsWrittenToTheFileShowsThroughTheOtherDescriptor) {
  OwnedDescriptor file = new_file();
  const OwnedDescriptor kept(::fcntl(file.get(), F_DUPFD_CLOEXEC, 0));
  HandoverMessage message{"sockets"};
  message.descriptors.push_back(std::move(file));
  here->put(std::move(message));
  ASSERT_TRUE(pass_over());
  const auto arrived = there->take();
  ASSERT_TRUE(arrived && arrived->descriptors.size() == 1);
  ASSERT_EQ(::write(arrived->descriptors[0].get(), "same", 4), 4);
  std::array<char, 8> text{};
  EXPECT_EQ(::pread(kept.get(), text.data(), text.size(), 0), 4);
  EXPECT_STREQ(text.data(), "same");
}

// Pitfall P3: the kernel takes 253 descriptors in one message.
TEST_F(HandoverChannelTest, AThousandDescriptorsPassInMessagesOfAtMost253) {
  const ManyFiles scope;
  constexpr std::size_t all = 1000;
  std::vector<ino_t> sent;
  std::vector<ino_t> received;
  while (sent.size() < all) {
    HandoverMessage message{"sockets"};
    while (message.descriptors.size() < HandoverChannel::most_descriptors && sent.size() < all) {
      message.descriptors.push_back(new_file());
      ASSERT_TRUE(message.descriptors.back().is_open());
      sent.push_back(inode_of(message.descriptors.back()));
    }
    here->put(std::move(message));
  }
  ASSERT_TRUE(pass_over()) << here->why() << there->why();
  std::vector<std::size_t> counts;
  while (const auto message = there->take()) {
    counts.push_back(message->descriptors.size());
    for (const OwnedDescriptor& one : message->descriptors) received.push_back(inode_of(one));
  }
  EXPECT_EQ(counts, (std::vector<std::size_t>{253, 253, 253, 241}));
  EXPECT_EQ(received, sent);
}

TEST_F(HandoverChannelTest, DescriptorsThatWereSentAreClosedHere) {
  OwnedDescriptor file = new_file();
  const int number = file.get();
  HandoverMessage message{"sockets"};
  message.descriptors.push_back(std::move(file));
  here->put(std::move(message));
  ASSERT_TRUE(here->send_some());
  EXPECT_EQ(::fcntl(number, F_GETFD), -1);
}

TEST_F(HandoverChannelTest, WhatCameBeforeTheEndCanBeTaken) {
  here->put({"commit"});
  here->put({"go"});
  ASSERT_TRUE(here->send_some());
  here.reset();
  EXPECT_FALSE(there->receive_some());
  EXPECT_EQ(there->take().value_or(HandoverMessage{}).type, "commit");
  EXPECT_EQ(there->take().value_or(HandoverMessage{}).type, "go");
  EXPECT_FALSE(there->take());
  EXPECT_NE(there->why().find("closed"), std::string::npos) << there->why();
  EXPECT_FALSE(there->receive_some());
}

TEST_F(HandoverChannelTest, HalfAMessageBeforeTheEndIsNone) {
  send_raw(framed(R"({"type":"go","descriptors":0,"body":{}})").substr(0, 20));
  here.reset();
  EXPECT_FALSE(there->receive_some());
  EXPECT_FALSE(there->take());
  EXPECT_NE(there->why(), "");
}

TEST_F(HandoverChannelTest, SendingToNobodyFailsWithoutASignal) {
  there.reset();
  here->put({"progress"});
  EXPECT_FALSE(here->send_some());
  EXPECT_TRUE(here->why().starts_with("cannot send: ")) << here->why();
}

TEST_F(HandoverChannelTest, WhoDoesNotReadFillsTheSocketAndNoMore) {
  const json::value body{{"text", std::string(8U << 20U, 'x')}};
  here->put({"state", body});
  EXPECT_TRUE(here->send_some()) << here->why();
  EXPECT_TRUE(here->has_unsent());
  ASSERT_TRUE(pass_over());
  EXPECT_TRUE(there->take());
}

TEST_F(HandoverChannelTest, GarbageBreaksItWithASentence) {
  const std::vector<std::string> garbage{
      framed(""),
      framed("hello"),
      framed("[1,2]"),
      framed("{}"),
      framed(R"({"type":"go","descriptors":0})"),
      framed(R"({"type":7,"descriptors":0,"body":{}})"),
      framed(R"({"type":"go","descriptors":-1,"body":{}})"),
      framed(R"({"type":"go","descriptors":1,"body":{}})"),
      framed(R"({"type":"go","descriptors":0,"body":)" + std::string(10'000, '[')),
      "GET / HTTP/1.1\r\nHost: x\r\n\r\n",
      std::string(64, '\xff'),
  };
  for (const std::string& octets : garbage) {
    support::SocketPair pair = support::blocking_socket_pair();
    HandoverChannel reader{OwnedDescriptor(pair.ours.release())};
    ASSERT_EQ(::send(pair.peer.get(), octets.data(), octets.size(), MSG_NOSIGNAL),
              static_cast<ssize_t>(octets.size()));
    ASSERT_TRUE(reader.receive_some());
    EXPECT_FALSE(reader.take()) << octets.substr(0, 60);
    EXPECT_TRUE(reader.why().starts_with("what came is no message of a hand-over"))
        << octets.substr(0, 60) << ": " << reader.why();
    EXPECT_FALSE(reader.take());
    EXPECT_FALSE(reader.receive_some()) << "it is broken from now on";
  }
}

TEST_F(HandoverChannelTest, AnAbsurdLengthIsNotWaitedFor) {
  send_raw("\xff\xff\xff\x7f{");
  ASSERT_TRUE(there->receive_some());
  EXPECT_FALSE(there->take());
  EXPECT_EQ(there->why(), "what came is no message of a hand-over");
}

TEST_F(HandoverChannelTest, WhatIsNoDescriptorIsSaidAtOnce) {
  const HandoverChannel channel{OwnedDescriptor()};
  EXPECT_NE(channel.why(), "");
}

TEST_F(HandoverChannelTest, ThePeerIsThisProcess) {
  const auto peer = here->peer();
  ASSERT_TRUE(peer);
  EXPECT_EQ(peer->process, ::getpid());
  EXPECT_EQ(peer->user, ::geteuid());
}

TEST_F(HandoverChannelTest, WhatIsNoSocketHasNoPeer) {
  const HandoverChannel channel{new_file()};
  EXPECT_FALSE(channel.peer());
}

}  // namespace
}  // namespace sluice::proxy
