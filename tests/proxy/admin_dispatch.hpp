#pragma once

#include <gtest/gtest.h>

#include <optional>
#include <string>
#include <utility>

#include "proxy/admin_routes.hpp"
#include "tests/proxy/admin_fake_control.hpp"

namespace sluice::proxy {

/// Asks AdminRoutes without a socket.
class AdminDispatch : public ::testing::Test {
 protected:
  AdminReply ask(const std::string& method, const std::string& target, const std::string& body = "",
                 Fields fields = {{"Host", "127.0.0.1:9901"}}) {
    AdminRoutes routes(control, options);
    std::optional<AdminReply> got;
    int answers = 0;
    {
      const AdminRequest request{method, target, std::move(fields), body, peer};
      routes.answer(request, [&](AdminReply reply) {
        got = std::move(reply);
        ++answers;
      });
    }
    control.run();
    EXPECT_EQ(answers, 1) << method << " " << target;
    return got.value_or(AdminReply{});
  }

  static std::string field(const AdminReply& reply, const std::string& name) {
    for (const auto& [key, value] : reply.fields)
      if (key == name) return value;
    return "";
  }

  static bool says(const AdminReply& reply, const std::string& part) {
    return reply.body.find(part) != std::string::npos;
  }

  FakeControl control;
  AdminOptions options;
  std::string peer = "127.0.0.1:40000";
};

}  // namespace sluice::proxy
