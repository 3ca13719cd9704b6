#include "proxy/admin_server.hpp"

#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>

#include <boost/asio/basic_socket_acceptor.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/io_context.hpp>
#include <chrono>
#include <exception>
#include <set>
#include <utility>

#include "proxy/admin_session.hpp"
#include "proxy/as_result.hpp"

namespace sluice::proxy {
namespace {

namespace asio = boost::asio;

/// After an accept that failed for want of descriptors or memory: trying at once would only spin.
constexpr std::chrono::milliseconds accept_pause{100};

}  // namespace

/// Lives until the last coroutine has ended, so that each may end after stop().
struct AdminServer::Shell {
  using Protocol = AdminSession::Protocol;

  Shell(asio::io_context& context, Control& the_control, AdminOptions the_options)
      : io(context),
        control(the_control),
        options(std::move(the_options)),
        routes(the_control, options),
        acceptor(context),
        pause(context) {}

  std::string take(ListeningSocket socket);
  static asio::awaitable<void> accept_all(std::shared_ptr<Shell> shell);
  static void serve(const std::shared_ptr<Shell>& shell, Protocol::socket socket);
  void log(LogLevel level, std::string line) const {
    if (options.log) options.log(level, std::move(line));
  }

  asio::io_context& io;
  Control& control;
  AdminOptions options;
  AdminRoutes routes;
  asio::basic_socket_acceptor<Protocol> acceptor;
  asio::steady_timer pause;
  ListeningSocket listening;
  std::set<AdminSession*> sessions;
  bool stopped = false;
  bool retired = false;
};

namespace {

ListenOptions listen_options() {
  ListenOptions options;
  options.subject = "The admin interface";
  options.table = "[admin]";
  return options;
}

}  // namespace

asio::awaitable<void> AdminServer::Shell::accept_all(std::shared_ptr<Shell> shell) {
  while (!shell->stopped && !shell->retired) {
    auto [error, socket] = co_await shell->acceptor.async_accept(as_result);
    if (shell->stopped || error == asio::error::operation_aborted) co_return;
    if (!error) {
      serve(shell, std::move(socket));
      continue;
    }
    if (error == asio::error::connection_aborted) continue;
    shell->log(LogLevel::warn, "admin: cannot accept a connection: " + error.message());
    shell->pause.expires_after(accept_pause);
    co_await shell->pause.async_wait(as_result);
  }
}

void AdminServer::Shell::serve(const std::shared_ptr<Shell>& shell, Protocol::socket socket) {
  const int on = 1;
  if (shell->listening.family() != AF_UNIX)
    ::setsockopt(socket.native_handle(), IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
  if (shell->sessions.size() >= shell->options.max_connections) {
    const std::string refusal = AdminSession::too_many();
    ::send(socket.native_handle(), refusal.data(), refusal.size(), MSG_NOSIGNAL | MSG_DONTWAIT);
    return;
  }
  auto session = std::make_shared<AdminSession>(std::move(socket), shell->control, shell->routes,
                                                shell->options);
  shell->sessions.insert(session.get());
  if (shell->retired) session->retire();
  // The shell is held by the completion, which outlives the coroutine and what it refers to.
  asio::co_spawn(shell->io, AdminSession::run(session),
                 [shell, key = session.get()](const std::exception_ptr& failure) {
                   shell->sessions.erase(key);
                   if (!failure) return;
                   try {
                     std::rethrow_exception(failure);
                   } catch (const std::exception& error) {
                     shell->log(LogLevel::error,
                                std::string("admin: connection ended by: ") + error.what());
                   }
                 });
}

AdminServer::AdminServer(asio::io_context& io, Control& control, AdminOptions options)
    : shell_(std::make_shared<Shell>(io, control, std::move(options))) {}

AdminServer::~AdminServer() {
  stop();
}

/// "" or a sentence.
std::string AdminServer::Shell::take(ListeningSocket socket) {
  boost::system::error_code error;
  acceptor.assign(Protocol(socket.family(), 0), socket.descriptor(), error);
  if (error)
    return "The admin interface cannot listen on " + socket.address() + ": " + error.message() +
           ".";
  socket.release();
  listening = std::move(socket);
  return "";
}

std::string AdminServer::listen(const std::string& address) {
  auto opened = ListeningSocket::open(address, listen_options());
  if (!opened) return opened.error();
  std::string problem = shell_->take(std::move(*opened));
  if (problem.empty()) accept();
  return problem;
}

std::string AdminServer::adopt(ListeningSocket socket) {
  return shell_->take(std::move(socket));
}

void AdminServer::accept() {
  shell_->listening.take_file();
  asio::co_spawn(
      shell_->io, Shell::accept_all(shell_), [shell = shell_](const std::exception_ptr& failure) {
        if (!failure) return;
        shell->log(LogLevel::critical, "admin: accepting ended by an error; nobody can connect");
      });
  shell_->log(LogLevel::info, "admin: listening on " + shell_->listening.address());
}

OwnedDescriptor AdminServer::share() const {
  const bool listens = shell_->acceptor.is_open() && !shell_->retired;
  return OwnedDescriptor(listens ? ::fcntl(shell_->acceptor.native_handle(), F_DUPFD_CLOEXEC, 3)
                                 : -1);
}

void AdminServer::retire() {
  if (shell_->stopped || std::exchange(shell_->retired, true)) return;
  boost::system::error_code ignored;
  shell_->acceptor.close(ignored);
  shell_->pause.cancel();
  shell_->listening.give_away_file();
  for (AdminSession* session : shell_->sessions) session->retire();
}

std::string AdminServer::local_address() const {
  return shell_->listening.address();
}

void AdminServer::stop() {
  if (std::exchange(shell_->stopped, true)) return;
  boost::system::error_code ignored;
  shell_->acceptor.close(ignored);
  shell_->pause.cancel();
  shell_->listening = ListeningSocket();
  for (AdminSession* session : shell_->sessions) session->stop();
}

}  // namespace sluice::proxy
