#include "tests/proxy/admin_running.hpp"

#include <boost/asio/executor_work_guard.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/post.hpp>
#include <future>
#include <thread>

#include "proxy/admin_server.hpp"
#include "tests/support/deadline.hpp"

namespace sluice::proxy {

namespace asio = boost::asio;

struct RunningAdmin::Parts {
  explicit Parts(AdminOptions options) : server(io, control, std::move(options)) {
    control.post = [this](std::function<void()> callback) { asio::post(io, std::move(callback)); };
  }

  FakeControl control;
  asio::io_context io{1};
  asio::executor_work_guard<asio::io_context::executor_type> work{io.get_executor()};
  AdminServer server;
  std::thread thread;
};

RunningAdmin::RunningAdmin(AdminOptions options, const std::string& address)
    : parts_(std::make_unique<Parts>(std::move(options))) {
  const std::string error = parts_->server.listen(address);
  if (!error.empty()) throw support::Failure(error);
  address_ = parts_->server.local_address();
  parts_->thread = std::thread([this] { parts_->io.run(); });
}

RunningAdmin::~RunningAdmin() {
  stop();
  // Without work the thread ends by itself, once every coroutine of the server has.
  parts_->work.reset();
  parts_->thread.join();
}

void RunningAdmin::on_control(const std::function<void(FakeControl&)>& act) {
  std::promise<void> done;
  asio::post(parts_->io, [&] {
    act(parts_->control);
    done.set_value();
  });
  done.get_future().wait();
}

void RunningAdmin::stop() {
  on_control([this](FakeControl&) { parts_->server.stop(); });
}

std::string listen_error(const std::string& address) {
  asio::io_context io{1};
  FakeControl control;
  AdminServer server(io, control, {});
  std::string error = server.listen(address);
  server.stop();
  io.run();
  return error;
}

std::string get_text(std::string_view target, std::string_view fields) {
  return "GET " + std::string(target) + " HTTP/1.1\r\nHost: 127.0.0.1\r\n" + std::string(fields) +
         "\r\n";
}

std::string call_text(std::string_view method, std::string_view target, std::string_view body,
                      std::string_view fields) {
  return std::string(method) + " " + std::string(target) + " HTTP/1.1\r\nHost: 127.0.0.1\r\n" +
         std::string(fields) + "Content-Length: " + std::to_string(body.size()) + "\r\n\r\n" +
         std::string(body);
}

}  // namespace sluice::proxy
