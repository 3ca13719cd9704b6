#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/socket.h>

#include <filesystem>
#include <string>
#include <utility>

#include "proxy/listening_socket.hpp"
#include "tests/support/socket.hpp"
#include "tests/support/temp_dir.hpp"

namespace sluice::proxy {
namespace {

using support::connect_to;

ListenOptions shared() {
  ListenOptions options;
  options.subject = "A listener";
  options.table = "[[listener]]";
  options.shared_port = true;
  return options;
}

/// Whether a connection waits to be accepted there.
bool accepts(const ListeningSocket& socket) {
  const support::Fd accepted(
      ::accept4(socket.descriptor(), nullptr, nullptr, SOCK_NONBLOCK | SOCK_CLOEXEC));
  return static_cast<bool>(accepted);
}

TEST(SharedListeningSocket, AnotherOneHasTheSamePort) {
  auto first = ListeningSocket::open("127.0.0.1:0", shared());
  ASSERT_TRUE(first) << first.error();
  const auto second = first->another(shared());
  ASSERT_TRUE(second) << second.error();
  EXPECT_EQ(second->address(), first->address());
  EXPECT_EQ(second->family(), first->family());
  EXPECT_NE(second->descriptor(), first->descriptor());
}

TEST(SharedListeningSocket, EachServesWhatTheKernelGivesIt) {
  auto first = ListeningSocket::open("127.0.0.1:0", shared());
  ASSERT_TRUE(first);
  auto second = first->another(shared());
  ASSERT_TRUE(second);
  int accepted = 0;
  for (int i = 0; i < 40; ++i) {
    const support::Fd client = connect_to(first->address());
    accepted += accepts(*first) || accepts(*second) ? 1 : 0;
  }
  EXPECT_EQ(accepted, 40);
  const std::string address = first->address();
  { const ListeningSocket closed = std::move(*first); }
  const support::Fd client = connect_to(address);
  EXPECT_TRUE(accepts(*second)) << "the one that is left serves all";
}

TEST(SharedListeningSocket, AStrangerCannotJoinAPortThatIsShared) {
  const auto first = ListeningSocket::open("127.0.0.1:0", shared());
  ASSERT_TRUE(first);
  const auto stranger = ListeningSocket::open(first->address(), shared());
  ASSERT_FALSE(stranger);
  EXPECT_NE(stranger.error().find("another process already does"), std::string::npos)
      << stranger.error();
  EXPECT_NE(stranger.error().find("[[listener]]"), std::string::npos);
}

TEST(SharedListeningSocket, WhoSaysSoJoinsAPortThatIsShared) {
  auto first = ListeningSocket::open("127.0.0.1:0", shared());
  ASSERT_TRUE(first);
  ListenOptions options = shared();
  options.joins = true;
  const auto second = ListeningSocket::open(first->address(), options);
  ASSERT_TRUE(second) << second.error();
  EXPECT_EQ(second->address(), first->address());
  const std::string address = first->address();
  { const ListeningSocket closed = std::move(*first); }
  const support::Fd client = connect_to(address);
  EXPECT_TRUE(accepts(*second));
}

TEST(SharedListeningSocket, WhoSaysSoDoesNotJoinAPortThatIsNotShared) {
  ListenOptions alone = shared();
  alone.shared_port = false;
  const auto first = ListeningSocket::open("127.0.0.1:0", alone);
  ASSERT_TRUE(first);
  ListenOptions options = shared();
  options.joins = true;
  EXPECT_FALSE(ListeningSocket::open(first->address(), options));
}

TEST(SharedListeningSocket, AnotherOneOfAUnixSocketServesTheSameFile) {
  const support::TempDir folder;
  const std::string path = folder.file("shop.sock");
  auto first = ListeningSocket::open("unix:" + path, shared());
  ASSERT_TRUE(first) << first.error();
  {
    const auto second = first->another(shared());
    ASSERT_TRUE(second);
    const support::Fd client = connect_to("unix:" + path);
    EXPECT_TRUE(accepts(*second));
  }
  EXPECT_TRUE(std::filesystem::exists(path)) << "the file belongs to the first";
  const support::Fd client = connect_to("unix:" + path);
  EXPECT_TRUE(accepts(*first));
}

TEST(SharedListeningSocket, AReleasedDescriptorStaysOpenAndTheFileStillGoes) {
  const support::TempDir folder;
  const std::string path = folder.file("shop.sock");
  support::Fd kept;
  {
    auto socket = ListeningSocket::open("unix:" + path, shared());
    ASSERT_TRUE(socket);
    kept = support::Fd(socket->release());
    EXPECT_EQ(socket->descriptor(), -1);
    EXPECT_TRUE(std::filesystem::exists(path));
  }
  EXPECT_FALSE(std::filesystem::exists(path));
  EXPECT_GE(::fcntl(kept.get(), F_GETFD), 0);
}

TEST(SharedListeningSocket, MovingTakesDescriptorAndFileAlong) {
  const support::TempDir folder;
  const std::string path = folder.file("shop.sock");
  auto socket = ListeningSocket::open("unix:" + path, shared());
  ASSERT_TRUE(socket);
  ListeningSocket moved;
  moved = std::move(*socket);
  EXPECT_EQ(moved.address(), "unix:" + path);
  EXPECT_TRUE(std::filesystem::exists(path));
  { const ListeningSocket last = std::move(moved); }
  EXPECT_FALSE(std::filesystem::exists(path));
}

}  // namespace
}  // namespace sluice::proxy
