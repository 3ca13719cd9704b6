#include <fcntl.h>
#include <sys/socket.h>

#include <string>

#include "tests/proxy/control_side.hpp"
#include "tests/support/raw_client.hpp"

namespace sluice::proxy {
namespace {

/// As one of two processes that share a listening socket would.
void accept(Side& side, const support::Fd& listening, const std::string& name) {
  const int own = ::fcntl(listening.get(), F_DUPFD_CLOEXEC, 3);
  std::atomic<bool> is_done{false};
  side.fleet.on_all([&, own](Worker& worker) {
    worker.listen(own, name);
    worker.accept_on();
    is_done = true;
  });
  ASSERT_TRUE(support::eventually([&] { return is_done.load(); }));
}

support::Fd listening_socket() {
  support::Fd socket(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  EXPECT_EQ(::bind(socket.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address), 0);
  EXPECT_EQ(::listen(socket.get(), 16), 0);
  return socket;
}

/// Regression: the kernel tells one of those who share a socket of a connection. When that one left
/// the socket in the same turn, nobody accepted the connection until the next one came.
TEST(Acceptor, WhoComesWhileASocketIsLeftIsServedByOneOfTheTwo) {
  Side leaving(settings_in(""));
  Side staying(settings_in(""));
  ASSERT_TRUE(work({&leaving, &staying}, [&] { return leaving.is_ready && staying.is_ready; }));
  for (int round = 0; round < 200; ++round) {
    const support::Fd socket = listening_socket();
    const std::string name = support::local_address(socket);
    accept(leaving, socket, name);
    accept(staying, socket, name);
    support::RawClient client(name);
    leaving.fleet.on_all([name](Worker& worker) { worker.leave_listening({name}); });
    ASSERT_NE(client.get("/").status, 0U) << "round " << round;
  }
}

}  // namespace
}  // namespace sluice::proxy
