#pragma once

#include <functional>
#include <string>
#include <vector>

#include "proxy/admin_message.hpp"
#include "proxy/admin_target.hpp"
#include "proxy/control.hpp"

/// The calls of the admin interface: which path and method does what.
namespace sluice::proxy {

using AdminAnswer = std::function<void(AdminReply)>;

/// One call that was found: the request, the names in its path and where the reply goes.
struct AdminCall {
  Control& control;
  const AdminOptions& options;
  const AdminRequest& request;     ///< lives only as long as the call itself, not its callbacks
  const AdminTarget& target;       ///< the same
  std::vector<std::string> names;  ///< what stood in the place of {pool}, {backend}, {route}
  AdminAnswer answer;              ///< called exactly once
};

/// Answers requests through a Control. Lives on the control thread; needs no socket.
class AdminRoutes {
 public:
  /// `control` must outlive this object.
  AdminRoutes(Control& control, AdminOptions options);

  /// Calls `answer` exactly once, now or when Control is done; by then this object and `request`
  /// may be gone. A HEAD is answered like a GET: leaving out the body is for the caller. Errors
  /// come as problem+json: 400 malformed, 401 and 403 (admin_access.hpp), 404, 405 with Allow, and
  /// what the call itself refuses.
  void answer(const AdminRequest& request, AdminAnswer answer);

 private:
  Control& control_;
  AdminOptions options_;
};

/// One row of the table of calls.
struct AdminRoute {
  std::string_view method;
  std::string_view path;  ///< "{name}" stands for any one segment that is not empty
  std::string_view does;  ///< a few words, for the index
  void (*run)(AdminCall);
};
const std::vector<AdminRoute>& admin_route_table();

}  // namespace sluice::proxy
