// A string that lacks its closing quote goes on to the next quote; it is reported where it begins.
#include <core.p4>
const string A = "first;
const string B = "second";
