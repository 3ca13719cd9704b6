#include "proxy/listening_socket.hpp"

#include <gtest/gtest.h>
#include <sys/stat.h>

#include <filesystem>

#include "tests/proxy/admin_running.hpp"
#include "tests/support/raw_client.hpp"
#include "tests/support/temp_dir.hpp"

namespace sluice::proxy {
namespace {

using support::RawClient;

ListenOptions as_admin() {
  ListenOptions options;
  options.subject = "The admin interface";
  options.table = "[admin]";
  return options;
}

TEST(ListeningSocket, UnixSocketServesItsGroupAndGoesWithTheServer) {
  const support::TempDir directory;
  const std::string path = directory.file("admin.sock");
  {
    RunningAdmin admin({}, "unix:" + path);
    EXPECT_EQ(admin.address(), "unix:" + path);
    struct stat found {};
    ASSERT_EQ(::stat(path.c_str(), &found), 0);
    EXPECT_EQ(found.st_mode & 0777U, 0660U);
    RawClient client("unix:" + path);
    EXPECT_EQ(client.ask(call_text("POST", "/v1/pools/shop-v1/undrain", ""), "POST").status, 200U);
    admin.on_control([](FakeControl& control) { EXPECT_EQ(control.actor.from, "unix"); });
  }
  EXPECT_FALSE(std::filesystem::exists(path));
}

TEST(ListeningSocket, StaleSocketFileIsReplaced) {
  const support::TempDir directory;
  const std::string address = "unix:" + directory.file("admin.sock");
  support::listen_on(address).close();
  ASSERT_TRUE(std::filesystem::exists(directory.file("admin.sock")));
  RunningAdmin admin({}, address);
  EXPECT_EQ(RawClient(address).ask(get_text("/livez")).body, "ok\n");
}

TEST(ListeningSocket, SocketFileInUseStaysAndIsNamed) {
  const support::TempDir directory;
  RunningAdmin admin({}, "unix:" + directory.file("admin.sock"));
  const std::string error = listen_error(admin.address());
  EXPECT_NE(error.find(admin.address() + ": another process already does"), std::string::npos)
      << error;
  EXPECT_EQ(RawClient(admin.address()).ask(get_text("/livez")).body, "ok\n");
}

TEST(ListeningSocket, FileThatIsNoSocketIsLeftAlone) {
  const support::TempDir directory;
  support::write_file(directory.file("precious"), "data");
  const std::string error = listen_error("unix:" + directory.file("precious"));
  EXPECT_NE(error.find("is no socket"), std::string::npos) << error;
  EXPECT_EQ(support::read_file(directory.file("precious")), "data");
}

TEST(ListeningSocket, SocketFileOfASuccessorIsLeftAlone) {
  const support::TempDir directory;
  const std::string path = directory.file("admin.sock");
  auto first = ListeningSocket::open("unix:" + path, as_admin());
  ASSERT_TRUE(first) << first.error();
  std::filesystem::rename(path, directory.file("old.sock"));
  const auto second = ListeningSocket::open("unix:" + path, as_admin());
  ASSERT_TRUE(second) << second.error();
  { const ListeningSocket gone = std::move(*first); }
  EXPECT_TRUE(std::filesystem::exists(path));
}

TEST(ListeningSocket, OccupiedPortIsNamed) {
  RunningAdmin admin;
  const std::string error = listen_error(admin.address());
  EXPECT_NE(error.find("cannot listen on " + admin.address() + ": another process already does"),
            std::string::npos)
      << error;
}

TEST(ListeningSocket, PortZeroTellsTheRealOne) {
  const auto socket = ListeningSocket::open("127.0.0.1:0", as_admin());
  ASSERT_TRUE(socket) << socket.error();
  EXPECT_TRUE(socket->address().starts_with("127.0.0.1:"));
  EXPECT_NE(socket->address(), "127.0.0.1:0");
}

TEST(ListeningSocket, Ipv6IsServed) {
  RunningAdmin admin({}, "[::1]:0");
  EXPECT_TRUE(admin.address().starts_with("[::1]:")) << admin.address();
  EXPECT_EQ(RawClient(admin.address()).ask(get_text("/livez")).body, "ok\n");
}

TEST(ListeningSocket, AddressesThatCannotBeListenedOnAreExplained) {
  for (const std::string address : {"", "9901", "localhost:9901", "127.0.0.1", "192.0.2.1:9901",
                                    "unix:", "unix:/nowhere/at/all.sock"}) {
    const std::string error = listen_error(address);
    EXPECT_TRUE(error.starts_with("The admin interface cannot listen on " + address)) << error;
  }
}

}  // namespace
}  // namespace sluice::proxy
