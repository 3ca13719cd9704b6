#include "proxy/program/service_notice.hpp"

#include <gtest/gtest.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <array>
#include <cstddef>
#include <cstdlib>
#include <cstring>
#include <string>

#include "proxy/owned_descriptor.hpp"
#include "tests/support/deadline.hpp"
#include "tests/support/temp_dir.hpp"

namespace sluice::proxy::program {
namespace {

/// A service manager that listens, and the variable that leads to it.
class ServiceNotice : public ::testing::Test {
 protected:
  ServiceNotice() { ::unsetenv("NOTIFY_SOCKET"); }
  ~ServiceNotice() override { ::unsetenv("NOTIFY_SOCKET"); }

  /// `name` as systemd writes it: a path, or an @ before an abstract name.
  void listen_at(const std::string& name) {
    sockaddr_un address{};
    address.sun_family = AF_UNIX;
    ASSERT_LT(name.size(), sizeof(address.sun_path));
    std::memcpy(address.sun_path, name.data(), name.size());
    if (name.front() == '@') address.sun_path[0] = '\0';
    reader = OwnedDescriptor(::socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
    const auto length = static_cast<socklen_t>(offsetof(sockaddr_un, sun_path) + name.size());
    ASSERT_EQ(::bind(reader.get(), reinterpret_cast<const sockaddr*>(&address), length), 0);
  }
  static void name_it(const std::string& name) {
    ASSERT_EQ(::setenv("NOTIFY_SOCKET", name.c_str(), 1), 0);
  }
  /// A datagram that is there; "" without one. A unix socket delivers before sendto() returns.
  std::string heard() const {
    std::array<char, 256> text{};
    const ssize_t size = ::recv(reader.get(), text.data(), text.size(), MSG_DONTWAIT);
    return size < 0 ? "" : std::string(text.data(), static_cast<std::size_t>(size));
  }

  const support::TempDir directory;
  const std::string abstract = "@sluice-notice-" + std::to_string(::getpid());
  OwnedDescriptor reader;
};

TEST_F(ServiceNotice, ReachesASocketWithAPath) {
  listen_at(directory.file("notify"));
  name_it(directory.file("notify"));
  tell_service_manager("READY=1");
  EXPECT_EQ(heard(), "READY=1");
}

TEST_F(ServiceNotice, ReachesAnAbstractSocket) {
  listen_at(abstract);
  name_it(abstract);
  tell_service_manager("MAINPID=4711");
  EXPECT_EQ(heard(), "MAINPID=4711");
}

TEST_F(ServiceNotice, EachIsADatagram) {
  listen_at(abstract);
  name_it(abstract);
  tell_service_manager("MAINPID=4711\nREADY=1");
  tell_service_manager("STOPPING=1");
  EXPECT_EQ(heard(), "MAINPID=4711\nREADY=1");
  EXPECT_EQ(heard(), "STOPPING=1");
  EXPECT_EQ(heard(), "");
}

TEST_F(ServiceNotice, WithoutTheVariableNobodyIsTold) {
  listen_at(abstract);
  tell_service_manager("READY=1");
  EXPECT_EQ(heard(), "");
}

TEST_F(ServiceNotice, AManagerThatIsNotThereOrDoesNotReadIsNoReasonToWait) {
  for (const std::string& name : {directory.file("nobody"), std::string("@"), std::string(),
                                  "/" + std::string(200, 'x'), abstract}) {
    name_it(name);
    tell_service_manager("READY=1");
  }
  listen_at(abstract);
  name_it(abstract);
  const support::Deadline deadline;
  for (int count = 0; count < 10'000; ++count) tell_service_manager("STATUS=full");
  EXPECT_FALSE(deadline.passed());
  EXPECT_EQ(heard(), "STATUS=full");
}

}  // namespace
}  // namespace sluice::proxy::program
