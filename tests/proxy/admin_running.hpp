#pragma once

#include <functional>
#include <memory>
#include <string>
#include <string_view>

#include "proxy/admin_message.hpp"
#include "tests/proxy/admin_fake_control.hpp"

namespace sluice::proxy {

/// An admin interface that listens, over a FakeControl, with its control thread running.
class RunningAdmin {
 public:
  /// Throws support::Failure when it cannot listen.
  explicit RunningAdmin(AdminOptions options = {}, const std::string& address = "127.0.0.1:0");
  ~RunningAdmin();

  const std::string& address() const { return address_; }
  /// Runs `act` on the control thread and waits for its end.
  void on_control(const std::function<void(FakeControl&)>& act);
  /// Calls stop() on the control thread.
  void stop();

 private:
  struct Parts;
  std::unique_ptr<Parts> parts_;
  std::string address_;
};

/// What a second server says when it is to listen there; "" when it could.
std::string listen_error(const std::string& address);

/// A GET as curl would send it to a loopback address.
std::string get_text(std::string_view target, std::string_view fields = "");
std::string call_text(std::string_view method, std::string_view target, std::string_view body,
                      std::string_view fields = "");

}  // namespace sluice::proxy
