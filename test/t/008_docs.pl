# The SQL of docs/sessions.md does what the page says, block by block.
use strict;
use warnings;
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;

my $node = PostgreSQL::Test::Cluster->new('docs');
$node->init;
$node->append_conf('postgresql.conf', "shared_preload_libraries = 'sessmem'");
$node->start;
$node->safe_psql('postgres', <<SQL);
CREATE EXTENSION sessmem;
CREATE ROLE app LOGIN;
CREATE ROLE login_service LOGIN;
CREATE ROLE dba LOGIN SUPERUSER;
SQL

my @blocks = slurp_file('docs/sessions.md') =~ /^```sql\n(.*?)^```$/msg;
# what the text around a block claims of its answer
my @answers = (
	qr//,
	qr//,
	qr/\Achat-1\nthe token/,
	qr/^chat-1\|active\|t$/m,
	qr/another user/,
	qr/^ended\n2$/m,
	qr/ended; it can still be read/,
	qr//,
	qr//,
	qr/revoked/,
	qr/^messages\|2\nsessmem\.session\|1$/m,
);
is(scalar @blocks, scalar @answers, 'every block has an expected answer');

my $token = 'none';
for my $n (0 .. $#blocks)
{
	my ($role, $fails) = $blocks[$n] =~ /\A-- (\w+)(?:, fails with (\w+))?\n/ or die "block $n names no role";
	my ($out, $err);
	my $rc = $node->psql('postgres', $blocks[$n] . "\n\\echo the token is :token\n",
		extra_params => [ '-U', $role, '-v', "token=$token", '-v', 'VERBOSITY=verbose' ],
		on_error_stop => 1, stdout => \$out, stderr => \$err);
	my ($first) = $blocks[$n] =~ /\n(?:BEGIN;\nSELECT sessmem.bind\(:'token'\);\n)?(.{1,60})/;

	is($rc, $fails ? 3 : 0, "$role: $first") or diag($err);
	is($err =~ /^.*ERROR:  (\w+):/m ? $1 : undef, $fails, '... with the SQLSTATE, if any, that the page says') or diag($err);
	like("$out\n$err", $answers[$n], '... and the answer');
	$token = $1 if $out =~ /^the token is (.+)$/m;
}
like($token, qr/^[\w-]+\.[\w-]+\.[\w-]+$/, 'the tokens were tokens');

$node->stop;
done_testing();
