#pragma once

#include <iosfwd>
#include <string>

#include "core/result.hpp"
#include "proxy/program/admin_client.hpp"

namespace CLI {  // NOLINT(readability-identifier-naming): the name its library has
class App;
}

/// The verbs of the command line that are a client of the admin interface (docs/cli.md).
namespace sluice::proxy::program {

/// What a verb ends with.
enum ExitCode : int {
  exit_done = 0,
  exit_refused = 1,      ///< the proxy said no; why is on standard error
  exit_usage = 2,        ///< the command line is wrong; nothing was asked
  exit_unreachable = 3,  ///< no proxy answered
  exit_deadline = 4,     ///< the deadline of a drain passed before it was drained
};
/// For the help of a verb that waits for nothing.
inline constexpr const char* usual_exit_codes =
    "Exit codes: 0 done, 1 refused by the proxy, 2 wrong command line, 3 no proxy reached.";

/// Where a verb writes to.
struct Terminal {
  std::ostream& out;
  std::ostream& err;
  bool colour = false;
};

/// Standard output and error; colour when the output is a terminal and NO_COLOR is unset or empty.
Terminal standard_terminal();

/// Adds the verbs to `app`. The one that is named runs inside app.parse() and sets `exit_code`;
/// both references must live as long. What is wrong with the command line comes as CLI::ParseError,
/// for which the program ends with exit_usage.
void add_client_verbs(CLI::App& app, Terminal terminal, int& exit_code);

/// What every verb takes.
struct Connection {
  std::string admin = "127.0.0.1:9901";
  std::string token_file;
  bool json = false;

  /// A client with the token of the file, or of SLUICE_TOKEN. Throws CLI::ParseError when the
  /// address or the file is no good.
  AdminClient client() const;
};

/// Adds the options that every verb takes to `verb`. `connection` must live as long.
void add_connection(CLI::App& verb, Connection& connection);
/// A check for options: "" when the text is a whole number, else what is wrong.
std::string whole_number(const std::string& text);

/// Makes a call. When it does not end in 2xx, writes why to `terminal` and gives the exit code.
core::Result<AdminAnswer, int> ask(const AdminClient& client, const AdminOrder& order,
                                   const Terminal& terminal);
/// Writes the reason and gives the exit code of an answer that is not 2xx.
int refused(const AdminAnswer& answer, const Terminal& terminal);
int unreachable(const std::string& why, const Terminal& terminal);

}  // namespace sluice::proxy::program
