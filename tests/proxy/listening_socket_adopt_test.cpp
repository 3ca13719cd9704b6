#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/socket.h>
#include <unistd.h>

#include <array>
#include <filesystem>
#include <optional>
#include <string>
#include <utility>

#include "proxy/listening_socket.hpp"
#include "tests/support/socket.hpp"
#include "tests/support/temp_dir.hpp"

namespace sluice::proxy {
namespace {

ListenOptions as_listener() {
  ListenOptions options;
  options.subject = "A listener";
  options.table = "[[listener]]";
  return options;
}

/// One that was opened, or an end of the test.
ListeningSocket opened(const std::string& address) {
  auto socket = ListeningSocket::open(address, as_listener());
  if (!socket) throw support::Failure(socket.error());
  return std::move(*socket);
}

/// As it arrives in another process.
OwnedDescriptor copy_of(const ListeningSocket& socket) {
  return OwnedDescriptor(::fcntl(socket.descriptor(), F_DUPFD_CLOEXEC, 0));
}

ListeningSocket adopted(OwnedDescriptor descriptor) {
  auto socket = ListeningSocket::adopt(std::move(descriptor));
  if (!socket) throw support::Failure(socket.error());
  return std::move(*socket);
}

/// The connection that waits longest. Listening sockets do not block.
OwnedDescriptor accept_from(const ListeningSocket& socket) {
  OwnedDescriptor connection;
  support::eventually([&] {
    connection = OwnedDescriptor(::accept4(socket.descriptor(), nullptr, nullptr, SOCK_CLOEXEC));
    return connection.is_open();
  });
  return connection;
}

std::string what_came(const OwnedDescriptor& connection) {
  std::array<char, 16> text{};
  const ssize_t size = ::recv(connection.get(), text.data(), text.size(), 0);
  return size > 0 ? std::string(text.data(), static_cast<std::size_t>(size)) : "";
}

TEST(ListeningSocketAdopt, ConnectionsThatWaitedBeforeAreAccepted) {
  std::optional<ListeningSocket> first = opened("127.0.0.1:0");
  const support::Fd early = support::connect_to(first->address());
  ASSERT_EQ(::send(early.get(), "early", 5, MSG_NOSIGNAL), 5);
  const ListeningSocket second = adopted(copy_of(*first));
  EXPECT_EQ(second.address(), first->address());
  EXPECT_EQ(second.family(), AF_INET);
  first.reset();
  const support::Fd late = support::connect_to(second.address());
  ASSERT_EQ(::send(late.get(), "late", 4, MSG_NOSIGNAL), 4);
  EXPECT_EQ(what_came(accept_from(second)), "early");
  EXPECT_EQ(what_came(accept_from(second)), "late");
}

TEST(ListeningSocketAdopt, UnixSocketsAreAdoptedWithTheirQueue) {
  const support::TempDir directory;
  const std::string address = "unix:" + directory.file("door.sock");
  std::optional<ListeningSocket> first = opened(address);
  const support::Fd early = support::connect_to(address);
  ASSERT_EQ(::send(early.get(), "early", 5, MSG_NOSIGNAL), 5);
  const ListeningSocket second = adopted(copy_of(*first));
  EXPECT_EQ(second.address(), address);
  EXPECT_EQ(second.family(), AF_UNIX);
  first->give_away_file();
  first.reset();
  EXPECT_EQ(what_came(accept_from(second)), "early");
}

TEST(ListeningSocketAdopt, WhatDoesNotListenIsRefused) {
  const ListeningSocket listening = opened("127.0.0.1:0");
  const support::Fd connection = support::connect_to(listening.address());
  support::SocketPair pair = support::blocking_socket_pair();
  std::array<int, 2> pipe{};
  ASSERT_EQ(::pipe2(pipe.data(), O_CLOEXEC), 0);
  const OwnedDescriptor writing(pipe[1]);
  for (const int descriptor : {::dup(connection.get()), pair.ours.release(), pipe[0], -1}) {
    const auto socket = ListeningSocket::adopt(OwnedDescriptor(descriptor));
    ASSERT_FALSE(socket);
    EXPECT_EQ(socket.error(), "a descriptor that was handed over is no listening socket");
    EXPECT_EQ(::fcntl(descriptor, F_GETFD), -1) << "what is refused is closed";
  }
}

TEST(ListeningSocketAdopt, TheSocketFileGoesWithWhoeverTookItOver) {
  const support::TempDir directory;
  const std::string path = directory.file("door.sock");
  std::optional<ListeningSocket> first = opened("unix:" + path);
  std::optional<ListeningSocket> second = adopted(copy_of(*first));
  second->take_file();
  first->give_away_file();
  first.reset();
  EXPECT_TRUE(std::filesystem::exists(path)) << "whoever gave it away leaves the file";
  second.reset();
  EXPECT_FALSE(std::filesystem::exists(path));
}

TEST(ListeningSocketAdopt, TheFileStaysWithTheOneThatOpenedItUntilItIsTaken) {
  const support::TempDir directory;
  const std::string path = directory.file("door.sock");
  std::optional<ListeningSocket> first = opened("unix:" + path);
  std::optional<ListeningSocket> second = adopted(copy_of(*first));
  second.reset();
  EXPECT_TRUE(std::filesystem::exists(path)) << "a hand-over that came to nothing";
  EXPECT_NO_THROW(support::connect_to("unix:" + path)) << "the first still listens";
  first.reset();
  EXPECT_FALSE(std::filesystem::exists(path));
}

TEST(ListeningSocketAdopt, AnAdopterThatGivesTheFileBackLeavesIt) {
  const support::TempDir directory;
  const std::string path = directory.file("door.sock");
  const ListeningSocket first = opened("unix:" + path);
  std::optional<ListeningSocket> second = adopted(copy_of(first));
  second->take_file();
  second->give_away_file();
  second.reset();
  EXPECT_TRUE(std::filesystem::exists(path));
}

TEST(ListeningSocketAdopt, TakingTheFileOfATcpSocketMeansNothing) {
  ListeningSocket first = opened("127.0.0.1:0");
  ListeningSocket second = adopted(copy_of(first));
  second.take_file();
  EXPECT_EQ(second.address(), first.address());
}

TEST(ListeningSocketAdopt, ADuplicateSharesTheQueueAndLeavesTheFile) {
  const support::TempDir directory;
  const std::string address = "unix:" + directory.file("door.sock");
  const ListeningSocket first = opened(address);
  {
    const auto second = first.duplicate(as_listener());
    ASSERT_TRUE(second) << second.error();
    EXPECT_EQ(second->address(), address);
    const support::Fd client = support::connect_to(address);
    EXPECT_TRUE(accept_from(*second).is_open());
  }
  EXPECT_TRUE(std::filesystem::exists(directory.file("door.sock")));
}

TEST(ListeningSocketAdopt, AFileThatAnotherSocketHasTakenIsLeftAlone) {
  const support::TempDir directory;
  const std::string path = directory.file("door.sock");
  ListeningSocket first = opened("unix:" + path);
  std::optional<ListeningSocket> second = adopted(copy_of(first));
  first.give_away_file();
  second->take_file();
  std::filesystem::rename(path, directory.file("old.sock"));
  const ListeningSocket newer = opened("unix:" + path);
  second.reset();
  EXPECT_TRUE(std::filesystem::exists(path));
}

}  // namespace
}  // namespace sluice::proxy
