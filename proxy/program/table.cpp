#include "proxy/program/table.hpp"

#include <algorithm>
#include <cstddef>
#include <string_view>

namespace sluice::proxy::program {
namespace {

std::string_view code_of(Tone tone) {
  switch (tone) {
    case Tone::strong:
      return "1";
    case Tone::good:
      return "32";
    case Tone::warning:
      return "33";
    case Tone::bad:
      return "31";
    case Tone::plain:
      break;
  }
  return "";
}

/// Characters, not octets, so that names beyond ASCII line up.
std::size_t width_of(std::string_view text) {
  return static_cast<std::size_t>(std::count_if(text.begin(), text.end(), [](char c) {
    return (static_cast<unsigned char>(c) & 0xc0U) != 0x80U;
  }));
}

}  // namespace

std::string toned(const std::string& text, Tone tone, bool colour) {
  if (!colour || tone == Tone::plain || text.empty()) return text;
  return "\033[" + std::string(code_of(tone)) + "m" + text + "\033[0m";
}

std::string Table::text(bool colour) const {
  std::vector<Cell> head;
  std::vector<std::size_t> widths;
  for (const Column& column : columns_) {
    head.push_back({column.title, Tone::strong});
    widths.push_back(width_of(column.title));
  }
  for (const auto& row : rows_)
    for (std::size_t i = 0; i < row.size(); ++i)
      widths[i] = std::max(widths[i], width_of(row[i].text));
  std::string all = line(head, widths, colour);
  for (const auto& row : rows_) all += line(row, widths, colour);
  return all;
}

std::string Table::line(const std::vector<Cell>& row, const std::vector<std::size_t>& widths,
                        bool colour) const {
  std::string text;
  std::size_t owed = 0;
  for (std::size_t i = 0; i < row.size(); ++i) {
    const std::size_t padding = widths[i] - width_of(row[i].text);
    if (i > 0) owed += 2;
    if (columns_[i].align == Align::right) owed += padding;
    if (!row[i].text.empty()) {
      text.append(owed, ' ');
      text += toned(row[i].text, row[i].tone, colour);
      owed = 0;
    }
    if (columns_[i].align == Align::left) owed += padding;
  }
  return text + "\n";
}

}  // namespace sluice::proxy::program
